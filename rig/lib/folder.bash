# shellcheck shell=bash
# The rig's folder: everything that one rig makes lies in it, so that two rigs never meet. Sourced, never run.
#
#   DIR/.rig        says that the folder is a rig's and may be removed
#   DIR/env         shell exports for whoever uses the rig; written last, so its presence means "was up"
#   DIR/ceph.conf   for clients: where the cluster is, and the keyring of client.docker
#   DIR/admin.conf  the same with the keyring of client.admin
#   DIR/ceph, DIR/etcd   data and keys of the servers, and what each adds to DIR/env
#   DIR/log, DIR/pid     logs and process ids
#   DIR/tmp         scratch for tests

# Makes the folder, or accepts one that an earlier rig made. Anything else is not ours to fill or remove.
open_folder() {
    local content
    mkdir -p "$1"
    content="$(ls -A "$1")"
    # Looked at in this order, and .rig made first, because the parts of a rig in containers open the folder together.
    if [ -n "$content" ] && [ ! -e "$1/.rig" ]; then
        fail "$1 is not empty and no rig made it. Name an empty or a new folder."
    fi
    : >"$1/.rig"
    mkdir -p "$1"/{ceph,etcd,log,pid,run,tmp}
}

# The folder of a running rig, from the argument or from RIG_DIR, as an absolute path.
find_folder() {
    local folder="${1:-${RIG_DIR:-}}"
    [ -n "$folder" ] || fail "no rig named. Give its folder, or set RIG_DIR (it is in the rig's env file)."
    [ -e "$folder/.rig" ] || fail "$folder is no rig's folder. 'rig/up $folder' makes one."
    realpath "$folder"
}
