"""A glue program with a stack just large enough for one handshake, that attacks when it is told.

The first argument is the attack as JSON: ``at``, the call that it waits for, and either ``put``,
what fields of the reply become (null takes one away), ``line``, what is written instead (hex),
``frame``, what goes out before it (hex), or ``deed``, the name of a function here. Without one it
is honest, and the case passes. Standard library only, and no more of it than needed: hundreds
are started.
"""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import sys
import time
from typing import Any, NoReturn

WIRE = int(os.environ["CONFORMANCE_WIRE_FD"])
VIRTUAL = os.environ["CONFORMANCE_CLOCK"] == "virtual"
ISS, WINDOW, FRAME = 77, 65535, 1 << 16
SYN, RST, ACK = 2, 4, 16
CLAIMED = ["CALLS", "STATE", "ACTIVE-OPEN", "IPV6", "ICMP"]


class Stack:
    """One listener, one connection, IPv4."""

    def __init__(self) -> None:
        self.state, self.accepting, self.there = "LISTEN", -1, False
        self.began, self.clock = time.time_ns(), 1000 * 10**9

    def now(self) -> int:
        return self.clock if VIRTUAL else time.time_ns()

    def frames(self) -> bool:
        """Take what is on the wire; whether anything was sent."""
        sent = False
        while select.select([WIRE], [], [], 0)[0]:
            frame = os.read(WIRE, FRAME)
            if not frame:
                sys.exit()
            if frame[12:14] == b"\x08\x00" and frame[23] == 6:
                sent |= self.segment(frame)
        return sent

    def segment(self, frame: bytes) -> bool:
        sport, dport, seq, _, _, flags = struct.unpack("!HHIIBB", frame[34:48])
        if flags & RST:
            self.state = "CLOSED"
        elif flags & SYN:
            self.state = "SYN-RECEIVED"
            tcp = struct.pack("!HHIIBBHHHBBH", dport, sport, ISS, (seq + 1) & 0xFFFFFFFF, 6 << 4,
                              SYN | ACK, WINDOW, 0, 0, 2, 4, 1460)  # fmt: skip
            os.write(WIRE, packed(frame, tcp))
            return True
        elif self.state == "SYN-RECEIVED":
            self.state, self.there = "ESTABLISHED", True
            self.accepted()
        return False

    def accepted(self) -> None:
        if self.there and self.accepting >= 0:
            number, self.accepting, self.there = self.accepting, -1, False
            say({"id": number, "started": self.now(), "ended": self.now(), "value": 4})


def packed(asked: bytes, tcp: bytes) -> bytes:
    """The segment in a frame that answers one."""
    source, to = asked[30:34], asked[26:30]
    right = checksum(source + to + struct.pack("!HH", 6, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack("!H", right) + tcp[18:]
    head = struct.pack("!BBHHHBBH4s4s", 69, 0, 20 + len(tcp), 0, 0, 64, 6, 0, source, to)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return asked[6:12] + asked[:6] + b"\x08\x00" + head + tcp


def checksum(octets: bytes) -> int:
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(0xFFFF - total)


def say(fields: dict[str, Any]) -> None:
    os.write(1, json.dumps(fields).encode() + b"\n")


# ---- the attacks ---------------------------------------------------------------------------------


def sleep(*_: object) -> NoReturn:
    """And never mind the end of stdin."""
    while True:
        time.sleep(600)


def pending(number: int, _: Stack) -> NoReturn:
    say({"id": number, "started": time.time_ns() if not VIRTUAL else 1000 * 10**9, "pending": True})
    sleep()


def pendings(number: int, _: Stack) -> NoReturn:
    while True:
        say({"id": number, "started": time.time_ns(), "pending": True})


def microseconds(number: int, stack: Stack) -> NoReturn:
    """From here on the clock moves by one at a time, which no reply may be wrong in."""
    until = stack.clock
    while True:
        stack.clock = min(stack.clock + 1000, until)
        say({"id": number, "started": stack.clock, "ended": stack.clock, "value": 0,
             "now": stack.clock, "next": stack.clock + 1000})  # fmt: skip
        request = json.loads(sys.stdin.readline() or sys.exit())
        number, until = request["id"], request["args"].get("until", 0)


def stop_watcher(number: int, _: Stack) -> NoReturn:
    os.kill(os.getppid(), signal.SIGSTOP)
    sleep()


def stop_watcher_and_go_on(number: int, _: Stack) -> None:
    """When it has really stopped: a signal to a process that does not run yet is on its way."""
    watcher = os.getppid()
    os.kill(watcher, signal.SIGSTOP)
    state = b""
    while state != b"T":
        with open(f"/proc/{watcher}/stat", "rb") as stat:
            state = stat.read().rpartition(b")")[2].split()[0]


def stop_watcher_and_end(*_: object) -> None:
    os.kill(os.getppid(), signal.SIGSTOP)
    sys.exit()


def stop_watcher_again_and_again(*_: object) -> NoReturn:
    watcher = os.getppid()
    while True:
        os.kill(watcher, signal.SIGSTOP)
        time.sleep(0.001)


def stop_itself(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def leave_children(*_: object) -> NoReturn:
    """In sessions of their own, with its pipes."""
    for _child in range(3):
        if os.fork() == 0:
            os.setsid()
            sleep()
    sys.exit()


def leave_and_stop_watcher(*_: object) -> NoReturn:
    if os.fork() == 0:
        os.setsid()
        sleep()
    os.kill(os.getppid(), signal.SIGSTOP)
    sys.exit()


def ignore_signals(*_: object) -> NoReturn:
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGPIPE", "SIGCONT"):
        signal.signal(signal.Signals[name], signal.SIG_IGN)
    sleep()


def close_stdin(*_: object) -> NoReturn:
    os.close(0)
    sleep()


def close_stdout(*_: object) -> NoReturn:
    os.close(1)
    sleep()


def close_wire(*_: object) -> NoReturn:
    os.close(WIRE)
    sleep()


def long_line(*_: object) -> NoReturn:
    while True:
        os.write(1, b"x" * (1 << 16))


def blank_lines(*_: object) -> NoReturn:
    while True:
        os.write(1, b"\n" * (1 << 16))


def shout(*_: object) -> NoReturn:
    while True:
        os.write(2, b"\x1b[31mred\x1b[0m\n" * 4096)


def flood(*_: object) -> NoReturn:
    while True:
        os.write(WIRE, b"\xff" * 60)


def ask_who(*_: object) -> NoReturn:
    """Questions for the tester's address without end."""
    ends = bytes.fromhex("020000000002c0000202000000000000c0000201")
    while True:
        os.write(WIRE, b"\xff" * 6 + ends[:6] + bytes.fromhex("08060001080006040001") + ends)


def empty_frame(*_: object) -> None:
    os.write(WIRE, b"")


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crash(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(*_: object) -> None:
    sys.exit(0)


def leave_with(*_: object) -> None:
    sys.stderr.write("\x1b[2J\u202eno\n")
    sys.exit(255)


def become_another(*_: object) -> None:
    os.execvp("sleep", ["sleep", "600"])


def answer_twice(number: int, stack: Stack) -> None:
    say({"id": number, "started": stack.now(), "ended": stack.now(), "value": 3})


def attack(how: dict[str, Any], fields: dict[str, Any], stack: Stack) -> bool:
    """Do it; whether the reply is still to be written."""
    if "frame" in how:
        os.write(WIRE, bytes.fromhex(how["frame"]))
    if "deed" in how:
        globals()[how["deed"]](fields["id"], stack)
    for name, value in how.get("put", {}).items():
        fields[name] = value
        if value is None:
            del fields[name]
    if "line" in how:
        os.write(1, bytes.fromhex(how["line"]) + b"\n")
    return "line" not in how


# ---- the protocol --------------------------------------------------------------------------------


def answer(request: dict[str, Any], stack: Stack, how: dict[str, Any]) -> None:
    call, args, number = request["call"], request["args"], request["id"]
    fields: dict[str, Any] = {"id": number, "started": stack.now(), "value": 0}
    if call == "version":
        fields |= {"value": 1, "text": "attacker", "abilities": CLAIMED}
    elif call == "listen":
        fields["value"] = 3
    elif call == "state":
        fields["text"] = stack.state
    elif call == "accept":
        stack.accepting = number
        fields = {"id": number, "started": stack.now(), "pending": True}
    elif call == "advance":
        stack.clock = max(stack.clock, args["until"])
        stack.frames()
        fields |= {"now": stack.clock, "next": None}
    fields |= {} if "pending" in fields else {"ended": stack.now()}
    if call != how.get("at") or attack(how, fields, stack):
        say(fields)
    if call == "accept":
        stack.accepted()


def main() -> None:
    how, stack, rest = json.loads(sys.argv[1]), Stack(), b""
    while True:
        there, _, _ = select.select([0, *([] if VIRTUAL else [WIRE])], [], [])
        if WIRE in there:
            stack.frames()
        if 0 not in there:
            continue
        data = os.read(0, FRAME)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            answer(json.loads(line), stack, how)


if __name__ == "__main__":
    main()
