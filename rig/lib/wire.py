"""A wire between two network namespaces that holds every frame back for a while, both ways and in order.

    wire.py carry CONTROL           makes the taps `clients` and `servers` in this network namespace, then carries frames
                                    between them until it is ended, or its parent ends
    wire.py delay CONTROL MS        each round trip takes MS milliseconds from now on; prints how many frames went to the
                                    servers, and how many came back, so far
    wire.py answer ADDRESS          sends back whatever comes to a UDP port
    wire.py ask ADDRESS CONTROL     asks `answer` at several delays; fails where a round trip took less than the delay, or
                                    an answer was lost or out of order

CONTROL is the path of a unix socket. A namespace that a tap is moved to keeps its end of the wire.
"""

import collections
import ctypes
import fcntl
import gc
import os
import select
import signal
import socket
import statistics
import struct
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
PR_SET_PDEATHSIG, PR_SET_TIMERSLACK = 1, 29
PORT = 7
LARGEST_FRAME = 65536


def prctl(option, value):
    if ctypes.CDLL(None, use_errno=True).prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def make_tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


class Direction:
    """One way along the wire: from one tap to the other."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.held = collections.deque()
        self.last_due = 0
        self.frames = 0

    def take(self, delay):
        """Takes what the source has. A shorter delay never lets a frame overtake one that came before it."""
        while True:
            try:
                frame = os.read(self.source, LARGEST_FRAME)
            except OSError:         # no more frames, or the tap is not up
                return
            self.last_due = max(self.last_due, time.monotonic_ns() + delay)
            self.held.append((self.last_due, frame))
            self.frames += 1

    def give(self):
        """Gives the target what has been held for long enough."""
        while self.held and self.held[0][0] <= time.monotonic_ns():
            try:
                os.write(self.target, self.held.popleft()[1])
            except OSError:         # a wire whose other end is not up loses what it carries
                pass


def carry(control):
    parent = os.getppid()
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        return
    prctl(PR_SET_TIMERSLACK, 1)
    try:
        os.nice(-15)                # a wire does not wait for the processors' other work
    except PermissionError:
        pass
    gc.disable()                    # nothing here is cyclic
    clients, servers = make_tap("clients"), make_tap("servers")
    there, back = Direction(clients, servers), Direction(servers, clients)
    wishes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    wishes.bind(control)
    delay = 0                       # of one way, in nanoseconds
    while True:
        dues = [way.held[0][0] for way in (there, back) if way.held]
        pause = max(0, min(dues) - time.monotonic_ns()) / 1e9 if dues else None
        ready, _, _ = select.select([clients, servers, wishes], [], [], pause)
        if wishes in ready:
            wish, sender = wishes.recvfrom(64)
            delay = int(float(wish) * 1e6 / 2)
            wishes.sendto(f"{there.frames} {back.frames}".encode(), sender)
        for way in (there, back):
            if way.source in ready:
                way.take(delay)
            way.give()


def set_delay(control, milliseconds):
    float(milliseconds)             # said here, where somebody sees it
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
        asking.bind("")             # an address of its own, which the kernel chooses
        asking.settimeout(10)
        asking.connect(control)
        asking.send(milliseconds.encode())
        return asking.recv(64).decode()


def answer(address):
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as answering:
        answering.bind((address, PORT))
        while True:
            answering.sendto(*answering.recvfrom(LARGEST_FRAME))


def ask(address, control):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(10)
        asking.connect((address, PORT))
        for delay in ("0", "0.2", "1", "5", "0"):
            set_delay(control, delay)
            took = [round_trip(asking, number) for number in range(50)]
            print(f"delay {delay} ms: a round trip takes {statistics.median(took):.2f} ms, the shortest {min(took):.2f} ms")
            if min(took) < float(delay):
                sys.exit("a round trip took less than the wire was told to hold it back")
        stay_in_order(asking, control)
        print(f"frames there and back: {set_delay(control, '0')}")


def round_trip(asking, number):
    began = time.monotonic_ns()
    asking.send(str(number).encode())
    if asking.recv(LARGEST_FRAME).decode() != str(number):
        sys.exit("an answer is not to the last question")
    return (time.monotonic_ns() - began) / 1e6


def stay_in_order(asking, control):
    """The delay shrinks while questions are on their way."""
    for number in range(100):
        if number % 10 == 0:
            set_delay(control, str(20 - number / 5))
        asking.send(str(number).encode())
    answers = [int(asking.recv(LARGEST_FRAME)) for _ in range(100)]
    if answers != list(range(100)):
        sys.exit(f"the answers are out of order: {answers}")


match sys.argv[1:]:
    case ["carry", control]: carry(control)
    case ["delay", control, milliseconds]: print(set_delay(control, milliseconds))
    case ["answer", address]: answer(address)
    case ["ask", address, control]: ask(address, control)
    case _: sys.exit(__doc__)
