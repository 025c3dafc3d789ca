# shellcheck shell=bash
# Which release the servers are of. Sourced, never run; needs here.

# What goes before the command of a server, and of the tools that are to be of the same release.
# shellcheck disable=SC2034   # for those who source it
of_servers=()
[ -z "${RIG_SERVERS:-}" ] || of_servers=("$here/release" "$RIG_SERVERS")
