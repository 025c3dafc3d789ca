# shellcheck shell=bash
# What tests may have left in the kernel: taken back in the order that loses least. Sourced, never run; needs RIG_DIR.
#
# Only what is provably this rig's is touched: mount points and backing files below its folder, programs that name the
# folder in their arguments, mapped devices of its own cluster.

# Mount points below the folder, the innermost first.
mounts_below() {
    local point
    while read -r _ _ _ _ point _; do
        printf -v point '%b' "${point//\\/\\0}"
        case "$point" in "$RIG_DIR"/*) printf '%s\n' "$point" ;; esac
    done </proc/self/mountinfo | tac
}

is_fuse() { [ "$(findmnt -n -o FSTYPE --mountpoint "$1" | tail -n 1)" = fuse ]; }

unmount() {
    timeout -k 1 10 umount "$1" 2>/dev/null && return 0
    say "$1 is busy or does not answer: detaching it lazily"
    timeout -k 1 10 umount --lazy "$1" || say "could not unmount $1; 'findmnt' shows what is left"
}

unmount_filesystems() {
    local point
    mounts_below | while IFS= read -r point; do
        is_fuse "$point" || unmount "$point"
    done
}

unmount_exports() {
    local point
    mounts_below | while IFS= read -r point; do
        unmount "$point"
    done
}

detach_loop_devices() {
    local device backing
    for device in /sys/block/loop*; do
        backing="$(cat "$device/loop/backing_file" 2>/dev/null)" || continue
        case "$backing" in
            "$RIG_DIR"/*) timeout -k 1 10 losetup --detach "/dev/${device##*/}" || say "could not detach /dev/${device##*/}" ;;
        esac
    done
}

unmap_krbd_devices() {
    local fsid device
    fsid="$(sed -n 's/^fsid = //p' "$RIG_DIR/ceph.conf" 2>/dev/null)" || return 0
    [ -n "$fsid" ] || return 0
    for device in /sys/bus/rbd/devices/*; do
        [ "$(cat "$device/cluster_fsid" 2>/dev/null)" = "$fsid" ] || continue
        timeout -k 1 20 rbd --conf "$RIG_DIR/admin.conf" unmap --options noudev "/dev/rbd${device##*/}" ||
            say "could not unmap /dev/rbd${device##*/}"
    done
}

# processes_below PROGRAM…: pids of these programs that have a path below the folder among their arguments.
processes_below() {
    local directory program arguments
    for directory in /proc/[0-9]*; do
        arguments="$(tr '\0' '\n' 2>/dev/null <"$directory/cmdline")" || continue
        program="${arguments%%$'\n'*}"
        program="${program##*/}"
        case " $* " in *" $program "*) ;; *) continue ;; esac
        case "$arguments" in *"$RIG_DIR/"*) echo "${directory##*/}" ;; esac
    done
}

# end_processes PROGRAM…: SIGCONT and SIGTERM, a moment to comply, SIGKILL.
end_processes() {
    local pids=() pid
    mapfile -t pids < <(processes_below "$@")
    [ "${#pids[@]}" -gt 0 ] || return 0
    for pid in "${pids[@]}"; do
        say "ending $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | cut -c 1-60)… (pid $pid), left by a test"
        kill -s TERM "$pid" 2>/dev/null || true
        kill -s CONT "$pid" 2>/dev/null || true
    done
    poll 10 none_below "$@" || {
        mapfile -t pids < <(processes_below "$@")
        for pid in "${pids[@]}"; do kill -s KILL "$pid" 2>/dev/null || true; done
        poll 10 none_below "$@" || say "some of $* do not end (pids ${pids[*]})"
    }
}

none_below() { [ -z "$(processes_below "$@")" ]; }
