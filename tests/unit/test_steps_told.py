"""``info`` and ``counters``: what is asked, until when, what is said of it, what is lacking."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hand import PROFILE, START, Hand, write_case

from conformance.case.faults import CaseFaults
from conformance.errors import Owner
from conformance.play import actions, events
from conformance.play.record import What
from conformance.play.verdict import Outcome
from conformance.targets.base import Job, refusal

OPEN = "- call: listen() = l\n"


class Told(Hand):
    """Its target tells each of these texts from a time on."""

    texts: tuple[tuple[float, str], ...] = ()

    def _event(self, action: actions.Action) -> events.Event:
        if not isinstance(action, actions.MakeCall) or action.name not in ("info", "counters"):
            return super()._event(action)
        told = [text for at, text in self.texts if self.now >= START + at]
        return events.CallReturned(self.now, action.number, self.now, text=told[-1])


def told(root: Path, steps: str, *texts: str | tuple[float, str]) -> Told:
    case = write_case(root, steps, given="")
    each = tuple((0.0, one) if isinstance(one, str) else one for one in texts)
    return type("Scripted", (Told,), {"texts": each})(case)  # type: ignore[no-any-return]


def asked(hand: Hand, name: str) -> list[actions.MakeCall]:
    calls = [action for action in hand.done if isinstance(action, actions.MakeCall)]
    return [call for call in calls if call.name == name]


@pytest.mark.parametrize(
    ("wanted", "text", "wrong"),
    [
        ("cwnd: 10", "cwnd=10", ""),
        ("cwnd: 10", "cwnd=11", "cwnd is 11"),
        ("cwnd: 5..10", "cwnd=10", ""),
        ("cwnd: 5..10", "cwnd=4", "cwnd is 4"),
        ("cwnd: 10..", "cwnd=1000", ""),
        ("cwnd: 10..", "cwnd=9", "cwnd is 9"),
        ("cwnd: ..10", "cwnd=0", ""),
        ("cwnd: ..10", "cwnd=11", "cwnd is 11"),
        ("ca-state: recovery", "ca-state=recovery", ""),
        ("ca-state: recovery", "ca-state=open", "ca-state is open"),
        ("rto: 200ms", "rto=200000", ""),
        ("rto: 200ms", "rto=200004", "rto is 200.004ms"),
        ("rto: 100ms..1s", "rto=1000001", "rto is 1000ms"),
        ("rto: 2MSL..", "rto=20000000", ""),
        ("rto: 2MSL..", "rto=19999999", "rto is 20000ms"),
        ("rto: ..2MSL", "rto=20000001", "rto is 20000ms"),
        ("cwnd: 1, ca-state: loss", "cwnd=2 ca-state=open", "cwnd is 2, ca-state is open"),
    ],
)
def test_what_is_told_is_held_to_what_is_written(
    tmp_path: Path, wanted: str, text: str, wrong: str
) -> None:
    hand = told(tmp_path, f"{OPEN}- info: {{{wanted}}}", text + " unacked=7")
    if wrong:
        assert hand.fails(wrong).expected
    else:
        hand.passes()


def test_it_asks_again_until_the_bound(tmp_path: Path) -> None:
    steps = OPEN + "- info: {cwnd: 1}\n  within: 1s"
    told(tmp_path, steps, "cwnd=10", (0.999, "cwnd=1")).passes()
    failure = told(tmp_path, steps, "cwnd=10", (1.001, "cwnd=1")).fails("cwnd is 10")
    assert (failure.expected, failure.actual) == (("cwnd: 1",), "cwnd: 10")


def test_it_may_be_so_too_early(tmp_path: Path) -> None:
    steps = OPEN + "- info: {cwnd: 1}\n  within: 500ms..1s"
    told(tmp_path, steps, "cwnd=10", (0.6, "cwnd=1")).passes()
    told(tmp_path, steps, "cwnd=10", (0.4, "cwnd=1")).fails("tcp_info of l is so too early")


def test_the_socket_is_the_one_that_is_named_or_the_connections_last(tmp_path: Path) -> None:
    opened = OPEN + "- call: socket() = s\n- call: socket() = b\n  conn: b\n"
    for of, number in (("\n  of: l", 1), ("", 2), ("\n  conn: b", 3)):
        hand = told(tmp_path, f"{opened}- info: {{cwnd: 1}}{of}", "cwnd=1")
        hand.passes()
        (call,) = asked(hand, "info")
        assert call.args == {"socket": number}


def test_it_is_in_the_ladder_and_is_no_cause(tmp_path: Path) -> None:
    steps = OPEN + "- wait: 1s\n- info: {cwnd: 1, rto: ..1s}\n- silence: 100ms"
    hand = told(tmp_path, steps, "cwnd=1 rto=300000")
    hand.passes()
    (note,) = (e for e in hand.talk.record.entries if "info" in e.text)
    assert (note.what, note.text) == (What.NOTE, "info of l: cwnd 1, rto 300ms")


def test_a_field_that_the_kernel_has_not_skips_the_case(tmp_path: Path) -> None:
    hand = told(tmp_path, OPEN + "- info: {rehash: 0, cwnd: 1, rcv-wnd: 1..}", "cwnd=9")
    told_ = "hand tells no rehash, rcv-wnd of tcp_info of l"
    hand.fails(told_, Outcome.SKIPPED)


@pytest.mark.parametrize("value", ["", "ten", "1.5", "1e3", "0x10", "٣", "9" * 50])
def test_what_is_no_number_is_the_targets_error(tmp_path: Path, value: str) -> None:
    verdict = told(tmp_path, OPEN + "- info: {cwnd: 1..}", f"cwnd={value}").finish()
    assert (verdict.outcome, verdict.owner) == (Outcome.ERROR, Owner.TARGET)


def test_a_refusal_is_the_targets_error(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, OPEN + "- info: {cwnd: 1..}", given=""))
    hand = Hand(hand.talk.case, hold=["MakeCall"])
    for errno in ("", "EIO"):
        number = hand.last(actions.MakeCall).number
        hand.feed(events.CallReturned(hand.now, number, hand.now, 1, errno))
    assert hand.finish().outcome is Outcome.ERROR
    assert hand.finish().reason == "the target: asked for tcp_info of l it answers EIO"


# ---- counters --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "later", "wrong"),
    [
        ("+1", 8, ""),
        ("+1", 9, "TW is +2"),
        ("+0", 7, ""),
        ("+0", 8, "TW is +1"),
        ("-1", 6, ""),
        ("-1", 8, "TW is +1"),
        ("+1..", 99, ""),
        ("+1..", 7, "TW is +0"),
        ("+1..+3", 11, "TW is +4"),
    ],
)
def test_a_counter_is_told_from_the_beginning_on(
    tmp_path: Path, wanted: str, later: int, wrong: str
) -> None:
    steps = f"- wait: 1s\n- counters: {{TW: {wanted}}}"
    hand = told(tmp_path, steps, "TW=7", (0.5, f"TW={later}"))
    if wrong:
        hand.fails(wrong)
    else:
        hand.passes()


def test_each_step_counts_from_the_one_before_whatever_that_named(tmp_path: Path) -> None:
    steps = """
- wait: 1s
- counters: {TW: +1}
- wait: 1s
- counters: {PAWSEstab: +2, TW: +0}
"""
    later = ((0.5, "TW=8 PAWSEstab=4"), (1.5, "TW=8 PAWSEstab=6"))
    hand = told(tmp_path, steps, "TW=7 PAWSEstab=1", *later)
    hand.passes()
    assert {call.args["names"] for call in asked(hand, "counters")} == {"TW PAWSEstab"}
    notes = [e.text for e in hand.talk.record.entries if e.text.startswith("counters")]
    assert notes == ["counters: TW +1", "counters: PAWSEstab +2, TW +0"]


def test_a_counter_that_the_kernel_has_not_skips_the_case_before_its_first_step(
    tmp_path: Path,
) -> None:
    hand = told(tmp_path, "- call: listen() = l\n- counters: {TW: +0, TCPLoss: +0}", "TW=7")
    hand.fails("hand tells no TCPLoss of the kernel's counters", Outcome.SKIPPED)
    assert not asked(hand, "listen")


def test_they_are_read_before_the_first_step_only_where_a_case_looks(tmp_path: Path) -> None:
    hand = told(tmp_path, "- wait: 1s\n- call: listen() = l")
    hand.passes()
    assert not asked(hand, "counters")


def test_a_target_without_them_skips_the_case(tmp_path: Path) -> None:
    for step, name in (("info: {cwnd: 1}", "INFO"), ("counters: {TW: +0}", "COUNTERS")):
        job = Job(write_case(tmp_path, f"{OPEN}- {step}", given=""))
        assert refusal(job, PROFILE) == ""
        lacking = replace(
            PROFILE, abilities=frozenset(a for a in PROFILE.abilities if str(a) != name)
        )
        assert refusal(job, lacking) == f"hand lacks {name}"


EITHER = """
- either:
    - - info:    {cwnd: 10}
    - without: rfc5681/3.1-h
      steps:
        - info:    {cwnd: 2..9}
"""


@pytest.mark.parametrize(("text", "reason"), [("cwnd=10", ""), ("cwnd=5", "rfc5681/3.1-h")])
def test_what_the_target_tells_chooses_a_branch(tmp_path: Path, text: str, reason: str) -> None:
    verdict = told(tmp_path, OPEN + EITHER, text).finish()
    assert verdict.outcome is Outcome.PASS
    assert verdict.reason == (reason and f"it goes without {reason}, which no MUST demands")


def test_where_no_branch_is_told_the_first_fails(tmp_path: Path) -> None:
    told(tmp_path, OPEN + EITHER, "cwnd=1").fails("cwnd is 1")


def test_what_is_told_is_no_beginning_beside_a_segment(tmp_path: Path) -> None:
    steps = OPEN + EITHER.replace("info:    {cwnd: 2..9}", "expect:  SYN seq=0")
    with pytest.raises(CaseFaults, match="info cannot tell this branch from another"):
        told(tmp_path, steps, "cwnd=1")
