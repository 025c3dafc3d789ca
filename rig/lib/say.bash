# shellcheck shell=bash
# What the rig says to the person who runs it. Sourced, never run.

say() { printf 'rig: %s\n' "$*" >&2; }

# A failure is one sentence saying what failed and one saying what to do.
fail() {
    printf 'rig: error: %s\n' "$*" >&2
    exit 1
}

need_root() {
    [ "$(id -u)" -eq 0 ] || fail "$1 needs root (it mounts filesystems and uses loop devices). Run it again as root, for example: sudo -E env PATH=\"\$PATH\" $1"
}
