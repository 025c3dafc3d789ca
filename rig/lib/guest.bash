# shellcheck shell=bash
# Two virtual machines and the network between them and the servers. Sourced, never run; needs RIG_DIR.
#
#   DIR/vm/namespace   the name of the network namespace that everything of it lives in
#   DIR/vm/NAME.sock   the plugin's socket in that guest
#   DIR/vm/image.cpio, DIR/vm/vmlinuz   what each guest starts from

# shellcheck disable=SC2034   # for those who source it
guests=(a b)

# Three addresses of one bridge, so that a guest can lose its way to Ceph, to etcd, or to both, and still be told what
# to do. The first added is the one that is spoken from.
# shellcheck disable=SC2034
host_address=10.77.0.1 ceph_address=10.77.0.2 etcd_address=10.77.0.3

guest_address() {
    case "$1" in
        a) echo 10.77.0.11 ;;
        b) echo 10.77.0.12 ;;
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
