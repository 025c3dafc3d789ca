# shellcheck shell=bash
# The rig's address and its free ports. Sourced, never run.

# use_address ADDRESS: sets address, and host, which is how the address stands before a port.
use_address() {
    address="$1"
    # shellcheck disable=SC2034   # for those who source it
    case "$address" in *:*) host="[$address]" ;; *) host="$address" ;; esac
}

# Loopback, so that nobody else reaches the rig; a container's own address where its servers are alone in one.
use_address "${RIG_ADDRESS:-127.0.0.1}"

# free_ports COUNT: ports that nobody listens on now, from below the range that the kernel hands to outgoing
# connections: a server that is stopped and started again must find its port free.
free_ports() {
    python3 - "$1" "$address" <<'PYTHON'
import random, socket, sys

held, wanted = [], int(sys.argv[1])
with open("/proc/sys/net/ipv4/ip_local_port_range") as range_file:
    first_ephemeral = int(range_file.read().split()[0])
top = first_ephemeral if first_ephemeral > 12000 else 32768
while len(held) < wanted:
    candidate = socket.socket(socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET)
    try:
        candidate.bind((sys.argv[2], random.randrange(10000, top)))
        candidate.listen()
        held.append(candidate)
    except OSError:
        candidate.close()
print(*(each.getsockname()[1] for each in held))
PYTHON
}
