"""Records built by hand, one for each thing that a report has to tell, and the golden texts.

Nothing here is played: a report must be right about whatever a record says, so the records say
it outright. After a change that is meant, ``WRITE_GOLDEN=1 pytest tests/reports`` writes the
texts anew; read the difference before it is committed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from conformance.case.model import Branch, Case, Deviation, IcmpText, Step
from conformance.case.spans import Span
from conformance.notation.call import parse_call
from conformance.notation.segment import parse_segment
from conformance.notation.time import parse_bounds, parse_duration, parse_ratio
from conformance.play import events
from conformance.play.profile import Ability, Profile
from conformance.play.record import Addressing, Entry, Record, What
from conformance.play.verdict import Difference, Failure, Outcome, Verdict
from conformance.tcp.flags import Flags
from conformance.tcp.segment import WRONG_CHECKSUM, Segment
from conformance.tcp.states import State

GOLDEN: Final = Path(__file__).with_name("golden")
PATH: Final = "cases/rfc9293/3.6-close/lost-ack.yaml"
FRAGMENT: Final = "cases/fragments/established.yaml"
SOURCE: Final = """\
title: The final ACK is lost and the FIN comes again
verifies: [rfc9293/MUST-13, rfc9293/T-3.6-again]
given: established

steps:
  - call:   close(c)
  - expect: FIN,ACK seq=1 ack=1
  - send:   FIN,ACK seq=1 ack=2
  - drop:   ACK seq=2 ack=2      # the network loses it
  - wait:   1MSL
  - send:   FIN,ACK seq=1 ack=2
  - expect: ACK seq=2 ack=2 <TS */*>  # once more
  - state:  CLOSED
    within: 2MSL
deviations:
  linux:
  - step: again
    instead:
    - expect: RST seq=2
    because: it answers a second FIN with a reset
"""
FRAGMENT_SOURCE: Final = """\
title: Established by a passive open
steps:
  - call:   listen() = l
  - send:   SYN seq=0 <mss 1460>
  - expect: SYN,ACK seq=0 ack=1
  - send:   ACK seq=1 ack=1
  - call:   accept(l) = c
"""
PROFILE: Final = Profile("linux", msl=30.0, abilities=frozenset({Ability.CALLS, Ability.STATE}))
STARTED: Final = 1_700_000_000.25

_READ: Final[dict[str, Callable[[str], Any]]] = {
    "send": parse_segment,
    "expect": parse_segment,
    "drop": parse_segment,
    "allow": parse_segment,
    "call": parse_call,
    "spawn": parse_call,
    "join": parse_call,
    "wait": parse_duration,
    "silence": parse_duration,
    "state": State,
    "collect": int,
}
_SIBLINGS: Final[dict[str, Callable[[str], Any]]] = {
    "within": parse_bounds,
    "for": parse_duration,
    "after": parse_duration,
    "backoff": parse_ratio,
    "of": parse_segment,
    "via": lambda text: tuple(State(word) for word in text.split()),
}


def golden(name: str, text: str) -> None:
    """Hold ``text`` to the committed one, octet by octet."""
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def step(
    line: int,
    text: str,
    *,
    path: str = PATH,
    origin: str = "",
    conn: str = "a",
    label: str = "",
    value: Any = None,
    **siblings: str,
) -> Step:
    """A step that stands in a line of a source; its verb begins in column 5."""
    verb, _, rest = text.partition(": ")
    parsed = value if value is not None else _READ[verb](rest)
    found = {
        name.rstrip("_"): _SIBLINGS[name.rstrip("_")](one) if name.rstrip("_") in _SIBLINGS else one
        for name, one in siblings.items()
    }
    return Step(verb, parsed, Span(path, line, 5, len(verb)), text, found, conn, label, origin)


def given(line: int, text: str) -> Step:
    return step(line, text, path=FRAGMENT, origin="established")


GIVEN: Final = (
    given(3, "call: listen() = l"),
    given(4, "send: SYN seq=0 <mss 1460>"),
    given(5, "expect: SYN,ACK seq=0 ack=1"),
    given(6, "send: ACK seq=1 ack=1"),
    given(7, "call: accept(l) = c"),
)
STEPS: Final = (
    step(6, "call: close(c)"),
    step(7, "expect: FIN,ACK seq=1 ack=1"),
    step(8, "send: FIN,ACK seq=1 ack=2"),
    step(9, "drop: ACK seq=2 ack=2"),
    step(10, "wait: 1MSL"),
    step(11, "send: FIN,ACK seq=1 ack=2"),
    step(12, "expect: ACK seq=2 ack=2 <TS */*>"),
    step(13, "state: CLOSED", within="2MSL"),
)
CASE: Final = Case(
    id="rfc9293/3.6-close/lost-ack",
    path=PATH,
    title="The final ACK is lost and the FIN comes again",
    steps=STEPS,
    about="TIME-WAIT is there to acknowledge the FIN again.\n\nWithout it the peer never closes.",
    verifies=("rfc9293/MUST-13", "rfc9293/T-3.6-again"),
    given=GIVEN,
    needs=frozenset({"STATE", "CALLS"}),
    options={"timestamps": "off"},
    sources={PATH: SOURCE, FRAGMENT: FRAGMENT_SOURCE},
)
FRAME: Final = bytes.fromhex("02000000000202000000000108004500") + bytes(37)


def entry(
    at: float,
    what: What,
    text: str,
    of: Step | None = None,
    *,
    conn: str = "a",
    lost: bool = False,
    unforeseen: bool = False,
    segment: Segment | None = None,
    frame: bytes = b"",
) -> Entry:
    state = State(text) if what is What.STATE else None
    return Entry(
        at,
        what,
        text,
        conn,
        of,
        lost=lost,
        unforeseen=unforeseen,
        segment=segment,
        frame=frame,
        state=state,
    )


def opened() -> list[Entry]:
    """What the given steps left in the record."""
    return [
        entry(0.0002, What.CALL, "listen() = 3", GIVEN[0]),
        entry(0.0003, What.SENT, "SYN seq=0 <mss 1460>", GIVEN[1], frame=FRAME),
        entry(0.00031, What.STATE, "SYN-RECEIVED", GIVEN[2]),
        entry(0.0004, What.RECEIVED, "SYN,ACK seq=0 ack=1 <mss 1460>", GIVEN[2], frame=FRAME),
        entry(0.0006, What.SENT, "ACK seq=1 ack=1", GIVEN[3], frame=FRAME),
        entry(0.0007, What.STATE, "ESTABLISHED", GIVEN[3]),
        entry(0.0009, What.CALL, "accept(l) = 4", GIVEN[4]),
    ]


def closed() -> list[Entry]:
    """The case's own, until the tester has sent its FIN again."""
    return [
        # The FIN and the state were there before close() came back, 50 ms after it was called.
        entry(0.0021, What.RECEIVED, "FIN,ACK seq=1 ack=1", STEPS[1], frame=FRAME),
        entry(0.0020, What.STATE, "FIN-WAIT-1", STEPS[0]),
        entry(0.0520, What.CALL, "close(c) = 0", STEPS[0]),
        entry(0.0530, What.SENT, "FIN,ACK seq=1 ack=2", STEPS[2], frame=FRAME),
        entry(0.0531, What.STATE, "TIME-WAIT", STEPS[2]),
        entry(0.0532, What.RECEIVED, "ACK seq=2 ack=2", STEPS[3], lost=True, frame=FRAME),
        entry(30.0532, What.NOTE, "1MSL pass", STEPS[4]),
        entry(30.0533, What.SENT, "FIN,ACK seq=1 ack=2", STEPS[5], frame=FRAME),
    ]


def record(
    entries: list[Entry],
    verdict: Verdict | None,
    *,
    case: Case = CASE,
    profile: Profile = PROFILE,
    ip: int = 4,
    reruns: int = 0,
) -> Record:
    returned = events.CallReturned(STARTED + 0.0520, 3, STARTED + 0.0020)
    told: list[tuple[float, events.Event]] = [
        (STARTED + 0.0521, returned),
        (STARTED + 31.0533, events.Tick(STARTED + 31.0533)),
    ]
    return Record(
        case, profile, Addressing(ip=ip), STARTED, told, list(entries), verdict, reruns=reruns
    )


def passed() -> Record:
    end = [
        entry(30.0534, What.RECEIVED, "ACK seq=2 ack=2", STEPS[6], frame=FRAME),
        entry(90.061, What.STATE, "CLOSED", STEPS[7]),
    ]
    return record(opened() + closed() + end, Verdict(Outcome.PASS, allowed=0.5))


def wrong_segment() -> Record:
    came = entry(30.0534, What.RECEIVED, "RST seq=2 <TS 17/4>", STEPS[6], frame=FRAME)
    after = entry(30.0537, What.RECEIVED, "RST seq=3", STEPS[6], frame=FRAME)
    failure = Failure(
        "another segment came",
        ("ACK seq=2 ack=2 <TS */*>", "silence for 1s (permitted by RFC 1337)"),
        "RST seq=2 win=512 <TS 17/4>",
        (Difference("flags", "ACK", "RST"), Difference("ack", "2 (RCV.NXT)", "0")),
    )
    verdict = Verdict(Outcome.FAIL, failure.message, STEPS[6], failure, 0.001, 0.5)
    return record([*opened(), *closed(), came, after], verdict)


def nothing_came(*, outcome: Outcome = Outcome.FAIL, reruns: int = 0, late: float = 0.0) -> Record:
    failure = Failure("nothing came within 1s", ("ACK seq=2 ack=2 <TS */*>",))
    verdict = Verdict(outcome, failure.message, STEPS[6], failure, late, 0.02)
    return record(opened() + closed(), verdict, reruns=reruns, ip=6)


def blocked() -> Record:
    came = entry(0.0004, What.RECEIVED, "SYN,ACK seq=0 ack=2", GIVEN[2], frame=FRAME)
    failure = Failure(
        "no TCP may send this: it acknowledges 2, and nothing beyond 1 was sent",
        ("no ACK of what was never sent",),
        "SYN,ACK seq=0 ack=2",
        requirement="rfc9293/T-3.4-seglen",
    )
    reason = f"the given steps failed: {failure.message}"
    verdict = Verdict(Outcome.BLOCKED, reason, GIVEN[2], failure)
    return record([*opened()[:3], came], verdict)


def after_the_last() -> Record:
    came = entry(30.0540, What.RECEIVED, "ACK seq=2 ack=2", None, unforeseen=True)
    failure = Failure("a segment came that no step foresees", ("silence",), "ACK seq=2 ack=2")
    verdict = Verdict(Outcome.FAIL, failure.message, None, failure)
    return record([*opened(), *closed(), came], verdict)


DEVIATION: Final = Deviation(
    "linux",
    "again",
    (replace(step(19, "expect: RST seq=2"), span=Span(PATH, 19, 7, 6)),),
    "it answers a second FIN with a reset",
    span=Span(PATH, 17, 5),
)


def deviating() -> Case:
    labelled = replace(STEPS[6], label="again")
    return replace(CASE, steps=(*STEPS[:6], labelled, STEPS[7]), deviations=(DEVIATION,))


def deviates() -> Record:
    came = entry(30.0534, What.RECEIVED, "RST seq=2", DEVIATION.instead[0])
    verdict = Verdict(Outcome.DEVIATES, DEVIATION.because)
    return record([*opened(), *closed(), came], verdict, case=deviating())


def no_longer_deviates() -> Record:
    came = entry(30.0534, What.RECEIVED, "ACK seq=2 ack=2", DEVIATION.instead[0])
    failure = Failure("another segment came", ("RST seq=2",), "ACK seq=2 ack=2")
    verdict = Verdict(Outcome.FAIL, failure.message, DEVIATION.instead[0], failure)
    return record([*opened(), *closed(), came], verdict, case=deviating())


def wrong_case() -> Record:
    failure = Failure("the case is wrong: fin.seq has no value here")
    verdict = Verdict(Outcome.ERROR, failure.message, STEPS[2], failure)
    return record(opened() + closed()[:3], verdict)


def lost_target() -> Record:
    failure = Failure("The target's agent ended: killed by signal 9.")
    verdict = Verdict(Outcome.ERROR, failure.message, STEPS[4], failure)
    return record(opened() + closed()[:6], verdict)


def skipped(reason: str = "linux has no PATH") -> Record:
    return record([], Verdict(Outcome.SKIPPED, reason))


def odd() -> Record:
    """What is rare: crafted headers, ICMP, options, long texts, two connections, a split state."""
    send = step(6, "send: SYN seq=0")
    silence = step(7, "silence: 500ms")
    setting = step(8, "set: nodelay", value={"nodelay": "on"})
    icmp = step(9, "icmp: {error: port-unreachable, quotes: syn}", value=IcmpText("syn"))
    bad = Segment(1, 2, Flags.SYN, 5, checksum=WRONG_CHECKSUM, reserved=3, offset=6)
    hostile = Segment(2, 1, Flags.ACK, 5, checksum=0x1234, trouble=("its IP length is wrong",))
    long = "SYN,ACK seq=0 ack=1 <mss 1460, sackOK, TS 4294967295/4294967295, wscale 14, kind 254 0x"
    entries = [
        entry(0.0001, What.SENT, "SYN seq=0", send, segment=bad, conn="a"),
        entry(0.5, What.NOTE, "silence for 500ms", silence, conn="a"),
        entry(0.6, What.SENT, "SYN seq=0", send, conn="b", lost=True),
        entry(0.6001, What.STATE, "LISTEN", send, conn="a"),
        entry(0.7, What.NOTE, "set nodelay = on", setting, conn="b"),
        entry(0.7, What.ICMP, "port-unreachable quotes syn", icmp, conn="b", frame=FRAME),
        entry(0.9996, What.RECEIVED, long + "ab" * 20 + ">", send, conn="b"),
        entry(3600.5, What.RECEIVED, "ACK seq=1 ack=1", send, segment=hostile, unforeseen=True),
        entry(3600.5, What.NOTE, "permitted by RFC 5961 section 3.2", send, conn="a"),
        entry(3600.6, What.SENT, "ACK seq=1 ack=1 data=0x" + "ab" * 60, send, conn="a"),
    ]
    return record(entries, None)


def states() -> Record:
    """Where a state stands: beside what caused it, or by itself."""
    connect, accept = step(6, "spawn: connect()"), step(7, "call: accept(l) = c")
    close, recv = step(8, "call: close(c)"), step(8, "call: recv(c, 5) = 5")
    send = step(9, "send: SYN seq=0")
    entries = [
        entry(0.1, What.CALL, "connect() begins", connect),
        entry(0.1, What.STATE, "SYN-SENT", connect),
        entry(0.2, What.SENT, "SYN seq=0", send, conn="b"),
        entry(0.2005, What.STATE, "ESTABLISHED", send),  # of the other connection
        entry(0.3, What.SENT, "SYN seq=0", send),
        entry(0.3015, What.STATE, "SYN-RECEIVED", send),  # just beside
        entry(0.3021, What.STATE, "ESTABLISHED", send),  # the row has one already
        entry(0.4, What.SENT, "SYN seq=0", send),
        entry(0.4031, What.STATE, "CLOSE-WAIT", send),  # too late to be of that row
        entry(0.5, What.STATE, "CLOSED", accept),  # accept() changes no state
        entry(0.5, What.CALL, "accept(l) = 7", accept),
        entry(0.6, What.STATE, "FIN-WAIT-1", close, conn="b"),  # close(c) is of the first
        entry(0.65, What.CALL, "close(c) = 0", close),
        entry(0.7, What.SENT, "FIN,ACK seq=1 ack=1", send),
        entry(0.7001, What.STATE, "FIN-WAIT-1", close),  # both during the second close(c)
        entry(0.7002, What.STATE, "FIN-WAIT-2", close),
        entry(0.7009, What.CALL, "close(c) = 0", close),
        entry(0.8, What.CALL, "recv(c, 5) = ECONNRESET", recv),
        entry(0.9, What.CALL, "close(c) = 0", close),
    ]
    calls = [(0.65, 0.599), (0.7009, 0.7), (0.8, 0.795), (0.9, 0.8), (0.9, 0.889)]
    told = record(entries, None)
    told.events = [
        (at, events.CallReturned(STARTED + at, number, STARTED + began))
        for number, (at, began) in enumerate(calls)
    ]
    return told


def states_plan() -> Case:
    """Where a state stands in a plan, and what is not a deviation of this step."""
    steps = (
        step(6, "send: SYN seq=0", label="syn"),
        step(6, "state: SYN-RECEIVED"),
        step(6, "state: LISTEN"),
        step(7, "expect: ACK seq=1", label="again"),
        step(7, "state: ESTABLISHED", conn="b"),
        step(8, "call: close(c)"),
        step(8, "state: FIN-WAIT-1", label="gone"),
        step(9, "wait: 1s"),
        step(9, "state: CLOSED"),
        step(9, "collect: 1", ack="none"),
        step(9, "send: ACK seq=9", conn="b"),
        step(9, "state: CLOSED", conn="b"),
    )
    about = "word " * 30
    verifies = (*(f"rfc9293/T-3.6-{'long' * 4}-{n}" for n in range(5)), "x" * 95)
    empty = replace(DEVIATION, step="")
    return replace(CASE, steps=steps, given=(), about=about, verifies=verifies,
                   deviations=(DEVIATION, empty))  # fmt: skip


def unusual_plan() -> Case:
    """Every verb and sibling that the other case has not."""
    quiet = Branch((step(13, "silence: 1s", of="RST"),), "RFC 1337")
    answer = Branch(
        (step(14, "expect: RST seq=SND.NXT", within="10ms..1s", label="reset"),), "RFC 9293 3.10.7"
    )
    steps = (
        step(6, "spawn: connect()"),
        step(7, "expect: SYN seq=0 <mss *, ...>", label="syn", within="1RTO"),
        step(8, "drop: SYN seq=0", backoff="1.7..2.3", within="900ms..4RTO"),
        step(9, "send: ACK seq=1", value=parse_segment("ACK seq=1"), after="200ms", conn="b"),
        step(9, "drop: ACK seq=9 ack=1", from_="tester"),
        step(10, "allow: ACK seq=1 len=10"),
        step(10, "join: connect() = c", within="1s"),
        step(11, "icmp: {error: port-unreachable, quotes: syn}", value=IcmpText("syn")),
        step(11, "set: {nodelay: on}", value={"nodelay": "on", "mss": "536"}),
        step(12, "either: ...", value=(quiet, answer)),
        step(15, "collect: 5840", ack="last", conn="b"),
        step(16, "state: TIME-WAIT", within="1s", for_="2MSL", via="FIN-WAIT-1 CLOSING"),
    )
    two = replace(DEVIATION, step="syn", through="reset", target="freebsd")
    return replace(CASE, steps=steps, deviations=(two,), unwatched=frozenset({"mss"}))
