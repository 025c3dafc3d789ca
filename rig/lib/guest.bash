# shellcheck shell=bash
# Virtual machines and the network between them and the servers. Sourced, never run; needs RIG_DIR.
#
# a and b are all in memory, with the plugin as their init starts it; docker is a Debian on disks, with Docker's engine.
#
#   DIR/vm/namespace   the name of the network namespace that everything of it lives in
#   DIR/vm/NAME.sock   the plugin's socket in that guest
#   DIR/vm/image.cpio, DIR/vm/vmlinuz   what a and b start from
#   DIR/vm/docker.sock, DIR/vm/docker   Docker's socket in that guest, and its disks

# shellcheck disable=SC2034   # for those who source it
guests=(a b docker)

# Three addresses of one bridge, so that a guest can lose its way to Ceph, to etcd, or to both, and still be told what
# to do. The first added is the one that is spoken from.
# shellcheck disable=SC2034
host_address=10.77.0.1 ceph_address=10.77.0.2 etcd_address=10.77.0.3

guest_address() {
    case "$1" in
        a) echo 10.77.0.11 ;;
        b) echo 10.77.0.12 ;;
        docker) echo 10.77.0.13 ;;
        *) fail "there is no guest '$1', only ${guests[*]}." ;;
    esac
}

namespace() { cat "$RIG_DIR/vm/namespace"; }

# The functions of process.bash, for what runs in the namespace.
start_inside() {
    local name="$1"
    shift
    start_process "$name" ip netns exec "$(namespace)" "$@"
}

# forward NAME FILE PORT: a unix socket of this machine leads to a guest's port.
forward() {
    start_inside "socket-$1" socat -t 3600 "UNIX-LISTEN:$2,fork" "TCP:$(guest_address "$1"):$3"
    wait_until_up "socket-$1" 10 test -S "$2"
}
