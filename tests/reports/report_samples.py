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

from conformance.case.model import Case, Deviation
from conformance.case.spans import Span
from conformance.case.step import Step
from conformance.case.verbs import BY_NAME
from conformance.notation.call import parse_call
from conformance.notation.segment import parse_segment
from conformance.notation.time import parse_bounds, parse_duration, parse_ratio
from conformance.play import events
from conformance.play.profile import Ability, Profile
from conformance.play.record import Addressing, Entry, Record, What
from conformance.play.verdict import Difference, Failure, Outcome, Verdict
from conformance.tcp.segment import Segment
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
    "lasting": parse_duration,
    "after": parse_duration,
    "backoff": parse_ratio,
    "of": parse_segment,
    "ack": str,
    "sender": str,
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
    found = {name: _SIBLINGS[name](one) for name, one in siblings.items()}
    make: Callable[..., Step] = BY_NAME[verb]
    place = Span(path, line, 5, len(verb))
    return make(place, text, parsed, conn=conn, label=label, origin=origin, **found)


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
