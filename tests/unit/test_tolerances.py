"""What a target's file has let by: in its situation, once for each event, and nowhere else."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hand import PROFILE, Hand, write_case

from conformance.commands.request import Request
from conformance.commands.run import unused
from conformance.play import events
from conformance.play.actions import MakeCall
from conformance.play.profile import Tolerance
from conformance.play.tolerances import QUIRKS, SITUATIONS, problem
from conformance.play.verdict import Outcome
from conformance.report import json_codec
from conformance.report.ladder import ladder
from conformance.report.summary import Summary
from conformance.targets.kinds.reference import Reference

UPDATE = Tolerance("window-update-after-read", "it says so")
CHALLENGE = Tolerance("no-challenge-ack", "it is silent")
RESET = Tolerance("rst-carries-ack", "one template")
MINE = Tolerance("mine", "it is so", "ACK seq=SND.NXT ack=RCV.NXT win=7", "text")
READ = "- call: accept(l) = c\n- call: recv(c, 10) = 10\n"
TEXT = "- send: ACK seq=1 ack=1 len=10\n- expect: ACK seq=1 ack=11\n"


def played(root: Path, steps: str, *tolerances: Tolerance, given: str = "open") -> Hand:
    case = write_case(root, steps, given=given)
    return Hand(case, replace(PROFILE, tolerances=tolerances)).open()


def read_one(root: Path, more: str = "- silence: 100ms\n", *tolerances: Tolerance) -> Hand:
    """Ten octets came and were read."""
    steps = "- call: listen() = l\n- send: SYN seq=0\n- expect: SYN,ACK seq=0 ack=1\n"
    steps += f"- send: ACK seq=1 ack=1\n{TEXT}{READ}{more}"
    case = write_case(root, steps, given="")
    hand = Hand(case, replace(PROFILE, tolerances=tolerances or (UPDATE,)), hold=["MakeCall"])
    call(hand, 3)
    hand.open()
    hand.come("ACK seq=1 ack=11 win=100", after=0.01)
    call(hand, 4)
    call(hand, 10, bytes(hand.talk.connections["a"].tester_stream.octets(0, 10)))
    return hand


def call(hand: Hand, value: int, data: bytes = b"") -> None:
    """The call that waits returns."""
    last = hand.last(MakeCall)
    assert isinstance(last, MakeCall)
    told = events.CallReturned(hand.now, last.number, hand.now, value, "", data)
    hand.feed(told)


@pytest.mark.parametrize(
    ("segments", "ends"),
    [
        ([], "pass"),
        (["ACK seq=1 ack=11 win=101"], "deviates"),
        (["ACK seq=1 ack=11 win=100"], "deviates"),
        (["ACK seq=1 ack=11 win=99"], "fail"),  # it takes room back
        (["ACK seq=1 ack=10 win=101"], "fail"),  # it acknowledges something else
        (["ACK seq=2 ack=11 win=101"], "fail"),
        (["PSH,ACK seq=1 ack=11 len=1 win=101"], "fail"),
        (["FIN,ACK seq=1 ack=11 win=101"], "fail"),
        (["ACK seq=1 ack=11 win=101", "ACK seq=1 ack=11 win=102"], "deviates"),
        (["ACK seq=1 ack=11 win=101", "ACK seq=1 ack=11 win=101"], "fail"),
    ],
)
def test_a_read_has_its_update_and_no_more(tmp_path: Path, segments: list[str], ends: str) -> None:
    hand = read_one(tmp_path)
    for segment in segments:
        hand.come(segment, after=0.01)
    assert str(hand.finish().outcome) == ends


def test_what_came_at_the_very_same_time_came_before(tmp_path: Path) -> None:
    hand = read_one(tmp_path)
    hand.come("ACK seq=1 ack=11 win=101", after=0.01)
    hand.come("ACK seq=1 ack=11 win=101", after=0.0)
    assert hand.finish().outcome is Outcome.FAIL


def test_an_update_that_crossed_a_segment_chooses_no_branch(tmp_path: Path) -> None:
    roads = "- either:\n    - - expect: ACK seq=1 ack=21\n    - - expect: ACK seq=1 ack=11\n"
    hand = read_one(tmp_path, f"- send: ACK seq=11 ack=1 len=10\n{roads}")
    hand.come("ACK seq=1 ack=11 win=101", at=hand.now)
    hand.come("ACK seq=1 ack=21 win=101", after=0.01)
    assert hand.finish().outcome is Outcome.DEVIATES


def test_it_is_told_beside_the_verdict_and_in_the_story(tmp_path: Path) -> None:
    hand = read_one(tmp_path)
    hand.come("ACK seq=1 ack=11 win=101", after=0.01)
    verdict = hand.finish()
    assert verdict.reason == "tolerated: window-update-after-read (it says so)"
    assert verdict.tolerated == ("window-update-after-read",)
    assert verdict.let_by
    assert "(tolerated: window-update-after-read)" in ladder(hand.talk.record)


def test_without_a_read_there_is_no_update(tmp_path: Path) -> None:
    hand = played(tmp_path, TEXT + "- silence: 100ms\n", UPDATE)
    hand.come("ACK seq=1 ack=11 win=100", after=0.01)
    hand.come("ACK seq=1 ack=11 win=101", after=0.01)
    assert hand.finish().outcome is Outcome.FAIL


def test_a_read_that_still_waits_has_its_update_whenever_it_takes_some(tmp_path: Path) -> None:
    steps = "- call: listen() = l\n- send: SYN seq=0\n- expect: SYN,ACK seq=0 ack=1\n"
    steps += "- send: ACK seq=1 ack=1\n- call: accept(l) = c\n- spawn: recv(c, 20)\n- wait: 3s\n"
    case = write_case(tmp_path, f"{steps}{TEXT}- silence: 100ms\n", given="")
    hand = Hand(case, replace(PROFILE, tolerances=(UPDATE,)), hold=["MakeCall"])
    call(hand, 3)
    hand.open()
    call(hand, 4)
    waits = hand.last(MakeCall)
    assert isinstance(waits, MakeCall)
    hand.feed(events.CallPending(hand.now, waits.number))
    hand.pass_time(3.0)
    hand.come("ACK seq=1 ack=11 win=100", after=0.01)
    hand.come("ACK seq=1 ack=11 win=101", after=0.01)
    assert hand.finish().outcome is Outcome.DEVIATES


def test_it_may_stand_in_the_place_of_the_answer_that_looks_like_it(tmp_path: Path) -> None:
    more = "- send: ACK seq=21 ack=1 len=10\n- expect: ACK seq=1 ack=11\n- silence: 100ms\n"
    for extra, ends in ((0, Outcome.PASS), (1, Outcome.DEVIATES), (2, Outcome.FAIL)):
        hand = read_one(tmp_path, more)
        for _ in range(1 + extra):
            hand.come("ACK seq=1 ack=11 win=101", after=0.01)
        assert hand.finish().outcome is ends, extra


def test_a_step_that_is_about_the_update_has_it(tmp_path: Path) -> None:
    hand = read_one(tmp_path, "- expect: ACK seq=1 ack=11 win=101\n")
    hand.come("ACK seq=1 ack=11 win=101", after=0.01)
    assert hand.finish().outcome is Outcome.PASS


# ---- an answer that is missing -------------------------------------------------------------------

CHALLENGED = {
    "RST seq=2": True,
    "RST seq=1": False,  # it ends the connection
    "SYN seq=1": True,
    "SYN,ACK seq=1 ack=1": True,
    "ACK seq=1 ack=-9": True,
    "ACK seq=1 ack=1": False,
    "ACK seq=1 ack=2": False,  # RFC 793 answers it too
    "ACK seq=1 ack=1 len=10": False,
}


@pytest.mark.parametrize("sent", CHALLENGED)
def test_a_challenge_may_be_missing_and_nothing_else(tmp_path: Path, sent: str) -> None:
    steps = f"- send: {sent}\n- expect: ACK seq=1 ack=1..11\n  as: answer\n"
    steps += "- send: ACK seq=1 ack=answer.seq\n- silence: 100ms\n"
    silent = played(tmp_path, steps, CHALLENGE)
    verdict = silent.finish()
    assert (verdict.outcome is Outcome.DEVIATES) == CHALLENGED[sent]
    assert verdict.tolerated == (("no-challenge-ack",) if CHALLENGED[sent] else ())
    answers = played(tmp_path, steps, CHALLENGE)
    answers.come("ACK seq=1 ack=1", after=0.01)
    assert answers.finish().outcome is Outcome.PASS


# ---- a field that differs ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("came", "ends"),
    [
        ("RST seq=5", "pass"),
        ("RST,ACK seq=5 ack=1", "deviates"),
        ("RST,ACK seq=6 ack=1", "fail"),
        ("FIN,ACK seq=5 ack=1", "fail"),
    ],
)
def test_one_field_differs_and_no_other(tmp_path: Path, came: str, ends: str) -> None:
    hand = played(tmp_path, "- send: ACK seq=1 ack=1\n- expect: RST seq=5\n", RESET)
    hand.come(came, after=0.01)
    assert str(hand.finish().outcome) == ends


# ---- one's own -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("segments", "ends"),
    [
        (["ACK seq=1 ack=11 win=7"], "deviates"),
        (["ACK seq=1 ack=11 win=8"], "fail"),
        (["ACK seq=1 ack=11 win=7", "ACK seq=1 ack=11 win=7"], "fail"),
    ],
)
def test_a_segment_of_ones_own_in_its_situation(
    tmp_path: Path, segments: list[str], ends: str
) -> None:
    hand = played(tmp_path, TEXT + "- silence: 100ms\n", MINE)
    hand.come("ACK seq=1 ack=11 win=8", after=0.01)
    for segment in segments:
        hand.come(segment, after=0.01)
    assert str(hand.finish().outcome) == ends


def test_nothing_is_tolerated_that_no_tcp_may_send(tmp_path: Path) -> None:
    any_ack = Tolerance("any", "it is so", "ACK seq=* ack=*", "text")
    hand = played(tmp_path, TEXT + "- silence: 100ms\n", any_ack)
    hand.come("ACK seq=1 ack=11", after=0.01)
    hand.come("ACK seq=1 ack=900", after=0.01)
    assert hand.finish().reason.startswith("no TCP may send this")


def test_a_record_of_others_holds_what_a_file_can() -> None:
    profile = replace(PROFILE, tolerances=(RESET, MINE))
    assert json_codec.read(type(profile), json_codec.write(profile)) == profile
    for wrong in (
        Tolerance("none", "why"),
        Tolerance("no-urgent", "why", "ACK", "text"),
        Tolerance("mine", "why", "ACKK", "text"),
        Tolerance("mine", "why", "ACK", "never"),
    ):
        assert problem(wrong)
        with pytest.raises(json_codec.Misfit):
            json_codec.read(type(profile), json_codec.write(replace(PROFILE, tolerances=(wrong,))))


def test_every_row_is_of_one_kind_and_says_its_rfc() -> None:
    for name, quirk in QUIRKS.items():
        checks = [quirk.extra, quirk.missing, quirk.field]
        assert [bool(one) for one in checks].count(True) == 1, name
        assert quirk.rfc.startswith("RFC ")
        assert (quirk.after in SITUATIONS) == (quirk.extra is not None)


def test_a_whole_run_says_what_it_never_had_to_tolerate() -> None:
    target = Reference()
    target.profile = replace(target.profile, tolerances=(RESET, CHALLENGE))
    summary = Summary(tolerated=Counter({"rst-carries-ack": 3}))
    told = ["tolerance no-challenge-ack was not used: it has to go from the target file"]
    assert unused(target, summary, whole=True) == told
    assert unused(target, summary, whole=False) == []


def test_a_run_is_whole_where_nothing_narrows_it() -> None:
    request = Request((), (), (), "", frozenset(), None, slow=False)
    assert request.all_of([])
    assert not request.all_of(["cases/smoke"])
    assert not replace(request, ips=(4,)).all_of([])
    assert not replace(request, requirement="rfc9293/MUST-1").all_of([])
