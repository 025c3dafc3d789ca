# shellcheck shell=bash
# Docker engines that tests have started with all their folders below one. Sourced, never run.
#
# What runs in containers does not name that folder in its arguments, nor does it end with its engine: it is found as
# the child of a shim, which does name it.

# end_engines FOLDER: an orderly end first, for then Docker itself gives back what containers and plugins hold.
end_engines() {
    local shim
    end_processes "$1" dockerd docker-registry
    for shim in $(processes_below "$1" containerd-shim); do
        pkill -KILL -P "$shim" || true
    done
    end_processes "$1" containerd containerd-shim
    remove_plugin_sockets "$1"
}

# Docker keeps the sockets of managed plugins in one place for all engines, under the plugins' ids.
remove_plugin_sockets() {
    local plugin
    for plugin in "$1"/data/plugins/* "$1"/tmp/*/data/plugins/*; do
        [[ ! "${plugin##*/}" =~ ^[0-9a-f]{64}$ ]] || rm -rf "/run/docker/plugins/${plugin##*/}"
    done
}

# Network namespaces of tests bear the end of the folder's name: /tmp/rbd-rig.Ab12Cd has Ab12Cd-a, Ab12Cd-b.
remove_network_namespaces() {
    local name stem="${1##*/}"
    stem="${stem##*.}"
    command -v ip >/dev/null || return 0
    for name in $(ip netns list 2>/dev/null | cut -d ' ' -f 1); do
        case "$name" in "$stem"-*) ip netns delete "$name" || say "could not delete the network namespace $name" ;; esac
    done
}
