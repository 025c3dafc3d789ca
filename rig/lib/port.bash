# shellcheck shell=bash
# Free loopback ports. Sourced, never run.

# free_ports COUNT: ports that nobody listens on now, from below the range that the kernel hands to outgoing
# connections: a server that is stopped and started again must find its port free.
free_ports() {
    python3 - "$1" <<'PYTHON'
import random, socket, sys

held, wanted = [], int(sys.argv[1])
with open("/proc/sys/net/ipv4/ip_local_port_range") as range_file:
    first_ephemeral = int(range_file.read().split()[0])
top = first_ephemeral if first_ephemeral > 12000 else 32768
while len(held) < wanted:
    candidate = socket.socket()
    try:
        candidate.bind(("127.0.0.1", random.randrange(10000, top)))
        candidate.listen()
        held.append(candidate)
    except OSError:
        candidate.close()
print(*(each.getsockname()[1] for each in held))
PYTHON
}
