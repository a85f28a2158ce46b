"""Each thing that the language can say is said by a shipped case: found by its steps, not by name.

``ADDITIONS`` is the list, for who looks for an example: ``PYTHONPATH=tests
python tests/unit/test_additions.py`` names a case for each, and ``conformance show`` draws it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final

import pytest
from whole_set import shipped

from conformance.case.lint import every_step, ip_versions
from conformance.case.model import Case
from conformance.case.step import Step
from conformance.case.verbs.allow import Allow
from conformance.case.verbs.call import OfCall
from conformance.case.verbs.collect import Collect
from conformance.case.verbs.counters import Counters
from conformance.case.verbs.drop import Drop
from conformance.case.verbs.either import Either
from conformance.case.verbs.expect import Expect
from conformance.case.verbs.free import Free
from conformance.case.verbs.info import Info
from conformance.case.verbs.repeat import Repeat
from conformance.case.verbs.send import Send
from conformance.notation.call import Received, Word
from conformance.notation.expr import ANY, Choice, Range
from conformance.notation.segment import SegmentText
from conformance.notation.time import AT_ONCE
from conformance.play.verdict import Outcome
from conformance.targets.base import Job
from conformance.targets.kinds.reference import ISNS, Reference
from conformance.tcp.flags import Flags

Says = Callable[[Case], bool]


@cache
def using(group: str, name: str) -> list[Case]:
    """The cases that say it; those that are played by themselves."""
    cases = (case for case in shipped() if not case.id.startswith("fragments/"))
    return [case for case in cases if ADDITIONS[group][name](case)]


def steps(case: Case) -> Iterator[Step]:
    return every_step(case.all_steps)


def step(kind: type[Step], fits: Callable[[Step], bool] = lambda step: True) -> Says:
    return lambda case: any(isinstance(one, kind) and fits(one) for one in steps(case))


def sent(fits: Callable[[SegmentText], bool]) -> Says:
    return lambda case: any(
        isinstance(one, Send) and any(map(fits, one.patterns)) for one in steps(case)
    )


def expected(fits: Callable[[SegmentText], bool]) -> Says:
    return lambda case: any(
        isinstance(one, Expect) and any(map(fits, one.patterns)) for one in steps(case)
    )


def option(*names: str, fits: Callable[[object], bool] = lambda option: True) -> Says:
    return lambda case: any(
        one.name in names and fits(one)
        for each in steps(case)
        for segment in each.patterns
        for one in (segment.options.options if segment.options else ())
    )


def call(*names: str) -> Says:
    return step(OfCall, lambda one: isinstance(one, OfCall) and one.value.name in names)


def said(*words: str) -> Says:
    """A call with all of these flags, options or addresses."""

    def fits(one: Step) -> bool:
        args = [value.text for _, value in one.value.args if isinstance(value, Word)]  # type: ignore[attr-defined]
        return set(words) <= {word for arg in args for word in arg.split("|")}

    return step(OfCall, fits)


def result(fits: Callable[[object], bool]) -> Says:
    return step(OfCall, lambda one: isinstance(one, OfCall) and fits(one.value.result))


def ip(field: str) -> Says:
    return lambda case: any(
        getattr(segment.ip, field) not in (None, b"", 0, "")
        for one in steps(case)
        for segment in one.patterns
    )


ADDITIONS: Final[Mapping[str, Mapping[str, Says]]] = {
    "the tester's ISN": {"a number of the case": lambda case: case.isn is not None},
    "addresses": {
        "another source": ip("sender"),
        "another destination": ip("receiver"),
        "an address of a call": step(OfCall, lambda one: bool(getattr(one, "address", ""))),
    },
    "the IP layer": {
        "TTL or hop limit": ip("ttl"),
        "an ECN mark": ip("ecn"),
        "DF": ip("df"),
        "fragments": ip("fragments"),
        "options of IPv4": ip("options"),
        "an extension header": lambda case: ip("hop_by_hop")(case) or ip("destination")(case),
        "a wrong length": ip("length"),
        "octets behind the packet": ip("behind"),
    },
    "bounds": {"at once": step(Expect, lambda one: one.within == AT_ONCE)},
    "repetition": {
        "so many times": step(Repeat, lambda one: not one.lasts),
        "while time lasts": step(Repeat, lambda one: bool(one.lasts)),
        "any number of a segment": step(Allow, lambda one: getattr(one, "often", "") == "any"),
        "a transfer that loses": step(Collect, lambda one: bool(one.lose)),  # type: ignore[attr-defined]
        "every second acknowledged": step(Collect, lambda one: one.ack == "second"),  # type: ignore[attr-defined]
        "text in several segments": step(Send, lambda one: bool(getattr(one, "cut", 0))),
        "a FIN on the last text": step(Collect, lambda one: bool(one.then)),  # type: ignore[attr-defined]
    },
    "may": {
        "a flag that may be set": expected(lambda one: bool(one.maybe)),
        "an option that may be missing": option(
            *("mss", "wscale", "sackOK", "sack", "TS", "fastopen", "md5", "accecn0"),
            fits=lambda one: bool(getattr(one, "optional", False)),
        ),
        "an option with any value": option(
            "mss", "wscale", "TS", fits=lambda one: ANY in getattr(one, "values", ())
        ),
        "a range": expected(
            lambda one: any(isinstance(v, Range) and v.high for v in one.fields.values())
        ),
        "one of several ways": step(Either),
        "one of several values": expected(
            lambda one: any(isinstance(v, Choice) for v in one.fields.values())
        ),
        "text in any segmentation": step(Collect, lambda one: one.ack == "each" and not one.lose),  # type: ignore[attr-defined]
        "what follows is free": step(Free),
    },
    "Fast Open": {
        "a cookie": option("fastopen"),
        "text in a SYN": sent(
            lambda one: Flags.SYN in one.flags and ("len" in one.fields or bool(one.data))
        ),
    },
    "ECN": {"its flags": sent(lambda one: Flags.ECE in one.flags and Flags.CWR in one.flags)},
    "AccECN": {
        "AE": sent(lambda one: Flags.AE in one.flags),
        "ACE as a number": expected(lambda one: "ace" in one.fields),
        "its options": option("accecn0", "accecn1"),
    },
    "signatures": {
        "MD5": lambda case: bool(case.md5) and option("md5")(case),
        "TCP-AO": lambda case: bool(case.ao) and option("ao")(case),
    },
    "calls": {
        "events": call("poll"),
        "one that does not wait": said("DONTWAIT"),
        "PEEK": said("PEEK"),
        "OOB": said("OOB"),
        "EOR": said("EOR"),
        "MORE": said("MORE"),
        "NOSIGNAL": said("NOSIGNAL"),
        "sendfile": said("FILE"),
        "splice": said("SPLICE"),
        "zero copy": said("ZEROCOPY"),
        "queues": call("outq", "unsent", "pending"),
        "names of the ends": call("getsockname", "getpeername"),
        "a second handle": call("dup"),
        "signals": call("signals"),
        "an errno": result(lambda one: type(one).__name__ == "Errno"),
        "a control message": result(lambda one: isinstance(one, Received)),
        "a stamp that was asked for": call("sendmsg"),
        "the error queue": said("ERRQUEUE"),
        "connect with the first write": said("FASTOPEN_CONNECT"),
    },
    "what the target says": {"tcp_info": step(Info), "counters": step(Counters)},
    "the network": {
        "the target's segment is lost": step(Drop, lambda one: not one.by_tester),
        "the tester's segment is lost": step(Drop, lambda one: one.by_tester),
    },
}
EACH: Final = [(group, name) for group, rows in ADDITIONS.items() for name in rows]


@pytest.mark.parametrize(("group", "name"), EACH, ids=lambda text: text)
def test_a_shipped_case_says_it(
    group: str, name: str, record_property: Callable[..., None]
) -> None:
    found = using(group, name)
    assert found
    record_property("case", found[0].id)


def test_thirty_cases_and_more_say_all_of_it() -> None:
    examples = {using(*row)[0].path for row in EACH}
    assert len(examples) >= 30


# What the reference lacks: it skips all such cases, and Linux plays them.
NOT_OF_THE_REFERENCE: Final = frozenset({
    ("AccECN", "its options"), ("signatures", "TCP-AO"), ("calls", "EOR"), ("calls", "MORE"),
    ("calls", "zero copy"), ("calls", "a control message"),
    ("calls", "a stamp that was asked for"), ("calls", "the error queue"),
    ("calls", "connect with the first write"), ("what the target says", "counters"),
})  # fmt: skip


@pytest.mark.parametrize(("group", "name"), EACH, ids=lambda text: text)
def test_the_reference_does_it_or_says_that_it_does_not(group: str, name: str) -> None:
    target = Reference(ISNS["wrapping"])
    outcomes = set()
    for case in using(group, name):
        record = target.play(Job(case, min(ip_versions(case))))
        assert record.verdict is not None
        outcomes.add(record.verdict.outcome)
        if Outcome.SKIPPED not in outcomes or len(outcomes) > 1:
            break
    lacks = (group, name) in NOT_OF_THE_REFERENCE
    assert outcomes - {Outcome.SKIPPED} == (set() if lacks else {Outcome.PASS})


if __name__ == "__main__":
    for group, name in EACH:
        example = using(group, name)[0].id.partition("[")[0]
        sys.stdout.write(f"{group}: {name}: cases/{example}.yaml\n")
