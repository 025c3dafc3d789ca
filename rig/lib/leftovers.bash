# shellcheck shell=bash
# What tests may have left in the kernel: taken back in the order that loses least. Sourced, never run.
#
# Only what provably belongs to a folder is touched: mount points and backing files below it, programs that name a
# path below it in their arguments. Needs engines.bash.

# take_back FOLDER: the plugins first, so that nobody mounts anew; the exports last, for filesystems write through them.
take_back() {
    end_engines "$1"
    end_processes "$1" rbd-plugin
    unmount_below "$1" filesystems
    detach_loop_devices "$1"
    end_processes "$1" qemu-storage-daemon rbd-nbd
    unmount_below "$1" everything
}

remove_folder() {
    if [ -n "$(mounts_below "$1")" ]; then
        fail "something is still mounted below $1 ('findmnt' shows it), so the folder is not removed. Unmount it, then: rm -r --one-file-system $1"
    fi
    rm -rf --one-file-system "$1"
}

# Mount points below a folder, the latest first.
mounts_below() {
    local point
    while read -r _ _ _ _ point _; do
        printf -v point '%b' "${point//\\/\\0}"
        case "$point" in "$1"/*) printf '%s\n' "$point" ;; esac
    done </proc/self/mountinfo | tac
}

# unmount_below FOLDER filesystems|everything: a FUSE mount is an export that filesystems still stand on.
unmount_below() {
    local point
    mounts_below "$1" | while IFS= read -r point; do
        if [ "$2" = everything ] || ! is_fuse "$point"; then unmount "$point"; fi
    done
}

is_fuse() { [[ "$(findmnt -n -o FSTYPE --mountpoint "$1" | tail -n 1)" == fuse* ]]; }

unmount() {
    timeout -k 1 10 umount "$1" 2>/dev/null && return 0
    say "$1 is busy or does not answer: detaching it lazily"
    timeout -k 1 10 umount --lazy "$1" || say "could not unmount $1; 'findmnt' shows what is left"
}

loop_devices_below() {
    local device backing
    for device in /sys/block/loop*; do
        backing="$(cat "$device/loop/backing_file" 2>/dev/null)" || continue
        case "$backing" in "$1"/*) echo "/dev/${device##*/}" ;; esac
    done
}

detach_loop_devices() {
    local device
    for device in $(loop_devices_below "$1"); do
        timeout -k 1 10 losetup --detach "$device" || say "could not detach $device"
    done
}

# unmap_krbd_devices FSID CONF: all devices of one cluster.
unmap_krbd_devices() {
    local device
    for device in /sys/bus/rbd/devices/*; do
        [ "$(cat "$device/cluster_fsid" 2>/dev/null)" = "$1" ] || continue
        timeout -k 1 20 rbd --conf "$2" unmap --options noudev "/dev/rbd${device##*/}" ||
            say "could not unmap /dev/rbd${device##*/}"
    done
}

# processes_below FOLDER PROGRAM…: their pids.
processes_below() {
    local folder="$1" directory program arguments
    shift
    for directory in /proc/[0-9]*; do
        # A program's name first: reading every process's arguments would take a process each.
        read -r program 2>/dev/null <"$directory/comm" || continue
        case " $* " in *" $program"*) ;; *) continue ;; esac       # comm holds the first 15 characters
        arguments="$(tr '\0' '\n' 2>/dev/null <"$directory/cmdline")" || continue
        case "$arguments" in *"$folder/"*) echo "${directory##*/}" ;; esac
    done
}

none_below() { [ -z "$(processes_below "$@")" ]; }

# end_processes FOLDER PROGRAM…: SIGTERM and SIGCONT, a moment to comply, SIGKILL.
end_processes() {
    local pids=() pid
    mapfile -t pids < <(processes_below "$@")
    [ "${#pids[@]}" -gt 0 ] || return 0
    for pid in "${pids[@]}"; do
        say "ending $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | cut -c 1-60)… (pid $pid)"
        kill -s TERM "$pid" 2>/dev/null || true
        kill -s CONT "$pid" 2>/dev/null || true
    done
    poll 10 none_below "$@" && return 0
    mapfile -t pids < <(processes_below "$@")
    for pid in "${pids[@]}"; do kill -s KILL "$pid" 2>/dev/null || true; done
    poll 10 none_below "$@" || say "some of ${*:2} do not end (pids ${pids[*]})"
}
