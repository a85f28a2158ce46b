"""A glue program that says what no program may: the first argument is which, and from which call.

It has no stack. It answers as the protocol has it until its call comes (``version`` when none is
named), and then says the one thing that is wrong.
"""

from __future__ import annotations

import json
import os
import sys
import time

WIRE, OUT = int(os.environ.get("CONFORMANCE_WIRE_FD", "-1")), 1
VIRTUAL = os.environ["CONFORMANCE_CLOCK"] == "virtual"
clock = 1000 * 10**9


def now() -> int:
    return clock if VIRTUAL else time.time_ns()


def say(**fields: object) -> None:
    os.write(OUT, json.dumps(fields).encode() + b"\n")


def right(request: dict[str, object]) -> None:
    global clock
    fields: dict[str, object] = {"started": now(), "ended": now(), "value": 0}
    call, args = request["call"], request["args"]
    assert isinstance(args, dict)
    if call == "version":
        fields |= {"value": 1, "text": "wrong", "abilities": ["CALLS", "STATE", "ACTIVE-OPEN"]}
    elif call == "listen":
        fields["value"] = 3
    elif call == "state":
        fields["text"] = "LISTEN"
    elif call == "advance":
        clock = max(clock, args["until"])
        fields |= {"now": clock, "next": None}
    say(id=request["id"], **fields)


def words(what: str, number: int) -> bytes | None:
    """What is wrong as a line; None for a deed."""
    at: dict[str, object] = {"started": now(), "ended": now()}
    fields: dict[str, dict[str, object]] = {
        "another-id": {"id": number + 1, "value": 0, **at},
        "no-id": {"id": None, "errno": "EBADMSG"},
        "id-text": {"id": str(number), "value": 0, **at},
        "id-true": {"id": True, "value": 0, **at},
        "value-text": {"id": number, "value": "3", **at},
        "value-huge": {"id": number, "value": 1 << 80, **at},
        "bad-data": {"id": number, "value": 1, "data": "zz", **at},
        "abilities": {"id": number, "value": 1, "abilities": 7, **at},
        "backwards": {"id": number, "now": 5, "next": None, "value": 0, **at},
        "beyond": {"id": number, "now": 1 << 62, "next": None, "value": 0, **at},
        "always-due": {"id": number, "now": clock, "next": clock, "value": 0, **at},
        "no-state": {"id": number, "text": "OPEN", "value": 0, **at},
        "past": {"id": number, "started": 1, "ended": 2, "value": 3},
        "future": {"id": number, "started": now(), "ended": now() + 10**12, "value": 3},
    }
    octets = {"no-object": b"[1, 2, 3]", "deep": b"[" * 100_000, "no-text": b"\xff\xfe"}
    return json.dumps(fields[what]).encode() if what in fields else octets.get(what)


def deed(what: str, request: dict[str, object]) -> None:
    match what:
        case "twice":
            right(request)
            right(request)
        case "long-line":
            while True:
                os.write(OUT, b"x" * 65536)
        case "no-wire":
            os.close(WIRE)
            right(request)
        case "no-stdout":
            os.close(OUT)
            time.sleep(600)
        case "shouts":
            os.write(2, b"\x1b[31mred\x1b[0m\n" * 100_000 + b"the last of it\n")
            sys.exit(3)
        case "hangs":
            time.sleep(600)


def wrong(what: str, request: dict[str, object]) -> None:
    number = request["id"]
    assert isinstance(number, int)
    line = words(what, number)
    if line is None:
        deed(what, request)
    else:
        os.write(OUT, line + b"\n")


def main() -> None:
    what, call = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "version"
    for line in sys.stdin:
        request = json.loads(line)
        if request["call"] == call:
            wrong(what, request)
        else:
            right(request)


if __name__ == "__main__":
    main()
