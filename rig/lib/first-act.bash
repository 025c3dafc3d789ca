# shellcheck shell=bash
# The demo's first act: the main job on one node. Sourced by rig/demo, never run.
#
# shellcheck disable=SC2034,SC2154  # stage.bash sets them

in_ceph() { show rbd --conf "$RIG_ADMIN_CONF" info "rbd/$1"; }
in_etcd() { show etcdctl get --prefix docker/volume/rbd/; }
in_kernel() { show findmnt --output TARGET,SOURCE,FSTYPE,SIZE,OPTIONS --mountpoint "$1"; }

# mount_volume VOLUME ID: its mount point is in $mountpoint.
mount_volume() {
    call VolumeDriver.Mount "{\"Name\":\"$1\",\"ID\":\"$2\"}"
    mountpoint="$(jq -r .Mountpoint <<<"$answer")"
    mountpoint -q "$mountpoint" || fail "Mount answered $mountpoint, and nothing is mounted there."
}

unmount_volume() {
    call VolumeDriver.Unmount "{\"Name\":\"$1\",\"ID\":\"$2\"}"
    ! mountpoint -q "$mountpoint" || fail "Unmount succeeded, and $mountpoint is still mounted."
    echo "    (nothing is mounted at $mountpoint any more)"
}

# write_files FOLDER and read_back FOLDER: a text and 16 MiB of random bytes, compared by checksum.
write_files() {
    echo "written through rbd-plugin on $(date --utc --iso-8601=seconds)" >"$1/hello.txt"
    head -c 16777216 /dev/urandom >"$1/random.bin"
    (cd "$1" && sha256sum hello.txt random.bin) >"$RIG_DIR/tmp/checksums"
    show ls -l "$1"
    sed 's/^/    /' "$RIG_DIR/tmp/checksums"
}

read_back() {
    show cat "$1/hello.txt"
    printf '%s$ sha256sum --check%s\n' "$dim" "$plain"
    (cd "$1" && sha256sum --check "$RIG_DIR/tmp/checksums") 2>&1 | indented ||
        fail "what was read back from $1 is not what was written."
}

first_act() {
    local demo_mountpoint

    heading "The calls go to a unix socket, as Docker makes them"
    show cat "$RIG_DIR/node-a/docker.curl"
    call VolumeDriver.Capabilities '{}'

    heading "Create a volume of 206 MB; Docker asks first whether there is one"
    ask VolumeDriver.Get '{"Name":"demo"}'
    [ -n "$(error_of_answer)" ] || fail "Get knows a volume that nobody created."
    call VolumeDriver.Create '{"Name":"demo","Opts":{"pool":"rbd","size":"206"}}'
    in_ceph demo
    in_etcd

    heading "Mount it, as for a container"
    mount_volume demo first
    in_kernel "$mountpoint"
    in_etcd

    heading "Write, and unmount"
    write_files "$mountpoint"
    unmount_volume demo first
    in_etcd

    heading "Mount again, and read it back"
    mount_volume demo second
    read_back "$mountpoint"
    demo_mountpoint="$mountpoint"

    heading "A second volume, with xfs"
    call VolumeDriver.Create '{"Name":"demo-xfs","Opts":{"pool":"rbd","size":"512","fstype":"xfs"}}'
    mount_volume demo-xfs third
    in_kernel "$mountpoint"
    [ "$(findmnt -n -o FSTYPE --mountpoint "$mountpoint")" = xfs ] ||
        fail "xfs was asked for, and $mountpoint is something else."
    write_files "$mountpoint"
    unmount_volume demo-xfs third
    mount_volume demo-xfs fourth
    read_back "$mountpoint"

    heading "List, and inspect one with its status"
    call VolumeDriver.List '{}'
    [ "$(jq -r '[.Volumes[].Name] | sort | join(" ")' <<<"$answer")" = "demo demo-xfs" ] ||
        fail "List does not list the two volumes."
    call VolumeDriver.Get '{"Name":"demo"}'

    heading "Unmount and remove both"
    unmount_volume demo-xfs fourth
    mountpoint="$demo_mountpoint"
    unmount_volume demo second
    call VolumeDriver.Remove '{"Name":"demo"}'
    call VolumeDriver.Remove '{"Name":"demo-xfs"}'
}
