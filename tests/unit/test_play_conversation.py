"""The conversation as a whole: verdicts, deviations, lateness, determinism."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
from hand import PROFILE, START, Hand, write_case

from conformance.case.load import load_case
from conformance.errors import Death, Owner
from conformance.play import actions, events
from conformance.play.conversation import Conversation
from conformance.play.profile import Ability
from conformance.play.record import Addressing, Record, What
from conformance.play.verdict import Outcome, Verdict
from conformance.steps import RUNNERS
from conformance.tcp.flags import Flags
from conformance.tcp.states import State

IRS = 0x10000000

CLOSED = """
- send:   FIN,ACK
- expect: FIN,ACK ack=2
- send:   ACK
- state:  TIME-WAIT
"""


def opened(root: Path, steps: str, **more: str) -> Hand:
    return Hand(write_case(root, steps, **more)).open()


def test_what_is_forgotten_needs_no_collection(tmp_path: Path) -> None:
    """No garbage is collected while live cases run: nothing may keep their records."""
    hand = opened(tmp_path, "- expect: ACK")
    hand.fails("nothing came within 1s")
    talk = weakref.ref(hand.talk)
    gc.disable()
    try:
        hand.talk.forget()
        del hand
        assert talk() is None
    finally:
        gc.enable()


# ---- verdicts --------------------------------------------------------------------------------


def test_a_failure_of_the_given_steps_blocks(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, "- expect: ACK")).open("RST,ACK seq=0 ack=1")
    failure = hand.fails("another segment came", Outcome.BLOCKED)
    assert failure.expected == ("SYN,ACK seq=0 ack=1",)
    assert hand.talk.verdict is not None
    assert hand.talk.verdict.reason == "the given steps failed: another segment came"


def test_the_first_own_step_is_judged(tmp_path: Path) -> None:
    opened(tmp_path, "- expect: ACK").fails("nothing came within 1s")


def test_a_branch_of_the_given_steps_blocks_too(tmp_path: Path) -> None:
    case = write_case(tmp_path, "- expect: ACK")
    (tmp_path / "fragments" / "fork.yaml").write_text("""\
title: Fork
steps:
  - send: SYN seq=0
  - either:
      - - expect: SYN,ACK seq=0 ack=1
        - send:   ACK
        - expect: ACK
      - - expect: RST,ACK seq=0 ack=1
""")
    file = Path(case.path)
    file.write_text(file.read_text().replace("given: open", "given: fork"))
    hand = Hand(load_case(file, tmp_path)[0]).open()
    hand.come("RST seq=1")
    hand.fails("another segment came", Outcome.BLOCKED)


def test_the_same_fragment_included_is_judged(tmp_path: Path) -> None:
    """Its steps are equal to those of ``given``, and still the case's own."""
    steps = "- call: close(l)\n- include: listening"
    hand = Hand(
        write_case(tmp_path, steps + "\n- silence: 1s", given="listening"), hold=["MakeCall"]
    )
    for errno in ("", "", "EADDRINUSE"):
        call = hand.last(actions.MakeCall)
        hand.feed(events.CallReturned(hand.now, call.number, hand.now, 5, errno))
    hand.fails("listen() returned EADDRINUSE")


def test_a_frame_that_is_no_segment_fails(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- expect: ACK")
    hand.feed(events.Garbage(hand.now, "it is UDP"))
    hand.fails("a frame came that is no segment of the case: it is UDP")


def test_a_target_that_is_gone_is_an_error(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- expect: ACK")
    hand.feed(events.Lost(hand.now, "the agent has died"))
    hand.fails("the agent has died", Outcome.ERROR)


@pytest.mark.parametrize("outcome", [Outcome.SKIPPED, Outcome.ERROR])
def test_a_case_may_be_abandoned(tmp_path: Path, outcome: Outcome) -> None:
    hand = opened(tmp_path, "- expect: ACK")
    hand.talk.abandon(outcome, "because")
    assert hand.talk.verdict is not None
    assert (hand.talk.verdict.outcome, hand.talk.verdict.reason) == (outcome, "because")
    assert hand.talk.wake is None
    hand.talk.abandon(Outcome.FAIL, "again")
    assert hand.outcome is outcome


def test_nothing_happens_after_the_verdict(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- silence: 1s")
    hand.passes()
    verdict, record = hand.talk.verdict, hand.talk.record
    told, entries = list(record.events), list(record.entries)
    later = hand.now + 1.0
    for event in (
        events.Arrived(later, hand.segment("RST seq=1")),
        events.Garbage(later, "noise"),
        events.Lost(later, "gone"),
        events.Tick(later),
    ):
        assert hand.talk.feed(event, later) == []
    assert hand.talk.verdict is verdict
    assert (record.events, record.entries) == (told, entries)


def test_a_breach_fails_whether_a_step_looks_or_not(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- allow: ACK seq=* ack=*\n- silence: 1s")
    hand.come("ACK seq=1 ack=2", after=0.1)
    failure = hand.fails("no TCP may send this: it acknowledges 2, and nothing beyond 1 was sent")
    assert failure.requirement == "rfc9293/T-3.4-seglen"
    assert failure.expected == ("no ACK of what was never sent",)
    assert failure.actual == "ACK seq=1 ack=2"


def test_an_unwatched_rule_is_not_judged(tmp_path: Path) -> None:
    head = "unwatched: [ack-unsent]\n"
    hand = opened(tmp_path, "- allow: ACK seq=* ack=*\n- silence: 1s", head=head)
    hand.come("ACK seq=1 ack=2", after=0.1)
    hand.passes()


# ---- lateness --------------------------------------------------------------------------------


def late(root: Path, by: float, comes: str, within: str = "1s") -> Hand:
    """A segment that was due now and left ``by`` seconds later."""
    case = write_case(root, f"- silence: 1s\n- send: ACK\n- expect: ACK\n  within: {within}")
    hand = Hand(case).open()
    hand.hold = {"SendSegment"}
    hand.pass_time(1.0)
    hand.jump(by)
    hand.feed(events.Sent(hand.now, hand.last(actions.SendSegment).number))
    hand.come(comes)
    hand.finish()
    return hand


@pytest.mark.parametrize("comes", ["ACK seq=1 ack=1", "RST seq=1"])
def test_a_harness_that_was_late_says_so_whatever_it_found(tmp_path: Path, comes: str) -> None:
    hand = late(tmp_path, 0.501, comes)
    verdict = hand.talk.verdict
    assert verdict is not None
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith("the harness was 501 ms late, 500 ms allowed (")
    assert verdict.lateness == pytest.approx(0.501)
    assert verdict.allowed == 0.5


def test_a_little_late_is_no_matter(tmp_path: Path) -> None:
    assert late(tmp_path, 0.499, "ACK seq=1 ack=1").outcome is Outcome.PASS
    assert late(tmp_path, 0.499, "RST seq=1").outcome is Outcome.FAIL


def test_what_is_allowed_is_half_of_the_tightest_bound(tmp_path: Path) -> None:
    assert late(tmp_path, 0.101, "ACK seq=1 ack=1", "200ms").outcome is Outcome.INCONCLUSIVE
    assert late(tmp_path, 0.099, "ACK seq=1 ack=1", "200ms").outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("pauses", "allowed"),
    [
        (["wait: 0.5MINRTO", "wait: 0.25MINRTO"], 0.125),
        (["wait: 0.9MINRTO"], 0.05),
        (["wait: 0.9MINRTO", "wait: 0.2MINRTO"], 0.05),  # the timer has begun again between them
        (["silence: 0.75MINRTO", "wait: 0.2MINRTO"], 0.025),
        (["wait: 2MINRTO"], 0.5),
    ],
)
def test_what_is_allowed_is_half_of_what_pauses_leave_of_a_timer(
    tmp_path: Path, pauses: list[str], allowed: float
) -> None:
    """Or a late call makes the target's timer run out in the pause behind it."""
    steps = "\n- send: ACK seq=1 ack=1\n".join(f"- {pause}" for pause in pauses)
    steps += "\n- state: ESTABLISHED"
    found = Hand(write_case(tmp_path, steps)).talk.allowed
    assert found.quiet == pytest.approx(allowed)


@pytest.mark.parametrize(
    ("late", "comes", "outcome"),
    [
        (0.051, "RST seq=1", Outcome.INCONCLUSIVE),
        (0.049, "RST seq=1", Outcome.FAIL),
        (0.051, "", Outcome.PASS),
        (0.499, "", Outcome.PASS),
        (0.501, "", Outcome.INCONCLUSIVE),
    ],
)
def test_a_silence_that_began_late_spoils_no_pass(
    tmp_path: Path, late: float, comes: str, outcome: Outcome
) -> None:
    """It lasted as long; but a timer may have fired in it that would have been stopped."""
    hand = opened(tmp_path, "- silence: 100ms\n- send: ACK seq=1 ack=1\n- silence: 100ms")
    hand.hold = {"SendSegment"}
    hand.pass_time(0.1)
    hand.jump(late)
    hand.feed(events.Sent(hand.now, hand.last(actions.SendSegment).number))
    if comes:
        hand.come(comes, after=0.01)
    assert hand.finish().outcome is outcome


def test_bounds_inside_branches_count(tmp_path: Path) -> None:
    steps = "- either:\n    - - expect: ACK\n        within: 200ms\n    - - expect: RST"
    assert Hand(write_case(tmp_path, steps)).talk.allowed.once == 0.1


def test_a_small_retransmission_timeout_counts(tmp_path: Path) -> None:
    profile = replace(PROFILE, min_rto=0.2)
    assert Hand(write_case(tmp_path, "- expect: ACK"), profile).talk.allowed.once == 0.1


def test_a_late_call_counts_and_so_does_one_that_returns_late(tmp_path: Path) -> None:
    for started, at, outcome in (
        (START + 0.6, START + 0.7, Outcome.INCONCLUSIVE),
        (START, START + 0.7, Outcome.INCONCLUSIVE),
        (START, START + 0.4, Outcome.PASS),
    ):
        case = write_case(tmp_path, "- silence: 1s", given="listening")
        hand = Hand(case, hold=["MakeCall"])
        hand.jump(0.7)
        number = hand.last(actions.MakeCall).number
        hand.feed(events.CallReturned(at, number, started, 5))
        assert hand.finish().outcome is outcome


def died(hand: Hand, death: Death = Death.CRASHED) -> Verdict:
    hand.feed(events.Died(hand.now, death, "killed by SIGSEGV", "oh", "All of it."))
    assert hand.talk.verdict is not None
    return hand.talk.verdict


def test_a_target_that_dies_before_any_frame_is_an_error(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, "- silence: 1s", given="listening"), hold=["MakeCall"])
    found = died(hand)
    assert (found.outcome, found.reason, found.owner) == (Outcome.ERROR, "All of it.", Owner.TARGET)


@pytest.mark.parametrize(
    ("head", "requirement"),
    [("", "rfc1122/1.2.2-a"), ("verifies: [rfc9293/MUST-7]\n", "rfc9293/MUST-7")],
)
def test_a_target_that_crashes_fails_the_case(tmp_path: Path, head: str, requirement: str) -> None:
    found = died(opened(tmp_path, "- silence: 1s", head=head))
    assert found.outcome is Outcome.FAIL
    assert found.reason == "the target crashed: killed by SIGSEGV"
    assert found.failure is not None
    assert (found.failure.actual, found.failure.words) == ("crashed: SIGSEGV", "oh")
    assert found.failure.requirement == requirement


def test_no_lateness_explains_a_crash_and_a_hang_is_doubted(tmp_path: Path) -> None:
    for death, virtual, outcome, doubted in (
        (Death.CRASHED, False, Outcome.FAIL, None),
        (Death.HANGS, False, Outcome.INCONCLUSIVE, None),
        (Death.HANGS, True, Outcome.INCONCLUSIVE, Outcome.FAIL),
    ):
        able = PROFILE.abilities | ({Ability.VIRTUAL_TIME} if virtual else set())
        profile = replace(PROFILE, abilities=able)
        hand = Hand(write_case(tmp_path, "- silence: 1s"), profile, hold=["SendSegment"])
        if not virtual:
            hand.jump(0.6)
        hand.feed(events.Sent(hand.now, hand.last(actions.SendSegment).number))
        found = died(hand, death)
        assert (found.outcome, found.doubted) == (outcome, doubted)


def test_a_call_that_waits_is_not_late(tmp_path: Path) -> None:
    case = write_case(tmp_path, "- silence: 1s", given="listening")
    hand = Hand(case, hold=["MakeCall"])
    number = hand.last(actions.MakeCall).number
    hand.feed(events.CallPending(START, number, START + 0.1))
    hand.jump(0.7)
    hand.feed(events.CallReturned(START + 0.7, number, START, 5))
    verdict = hand.finish()
    assert verdict.outcome is Outcome.PASS
    assert verdict.lateness == pytest.approx(0.1)


def test_a_blocked_case_may_be_inconclusive_and_an_error_stays_one(tmp_path: Path) -> None:
    for last, outcome in (
        (events.Lost(START, "gone"), Outcome.ERROR),
        (events.Garbage(START, "noise"), Outcome.INCONCLUSIVE),
    ):
        hand = Hand(write_case(tmp_path, "- silence: 1s"), hold=["SendSegment"])
        hand.jump(0.6)
        hand.feed(events.Sent(hand.now, hand.last(actions.SendSegment).number))
        hand.feed(last)
        assert hand.finish().outcome is outcome


# ---- the record ------------------------------------------------------------------------------


def test_the_record_tells_the_story(tmp_path: Path) -> None:
    steps = "- call: listen() = l\n- expect: ACK\n- silence: 1s"
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=1", after=0.5)
    hand.passes()
    record = hand.talk.record
    assert [(entry.what, entry.text) for entry in record.entries] == [
        (What.SENT, "SYN seq=0"),
        (What.RECEIVED, "SYN,ACK seq=0 ack=1"),
        (What.SENT, "ACK seq=1 ack=1"),
        (What.CALL, "listen() = 3"),
        (What.RECEIVED, "ACK seq=1 ack=1"),
        (What.NOTE, "silence for 1s"),
    ]
    assert [entry.at for entry in record.entries] == pytest.approx(
        [0.0, 0.01, 0.01, 0.01, 0.51, 1.51]
    )
    assert record.entries[4].taken is hand.talk.case.steps[1]
    assert record.verdict is hand.talk.verdict
    assert record.id == "case::hand-ipv4"


def test_transitions_are_told_once(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- silence: 1s")
    for state in (State.SYN_RECEIVED, State.ESTABLISHED, State.ESTABLISHED):
        hand.feed(events.StateReported(hand.now, 4000, 40000, state))
    hand.passes()
    told = [entry.state for entry in hand.talk.record.entries if entry.what is What.STATE]
    assert told == [State.SYN_RECEIVED, State.ESTABLISHED]


def replayed(record: Record) -> Conversation:
    talk = Conversation(record.case, record.profile, RUNNERS, record.addressing)
    talk.start(record.started)
    for now, event in record.events:
        talk.feed(event, now)
    return talk


@pytest.mark.parametrize("last", ["FIN,ACK seq=1 ack=2", "RST seq=1"])
def test_the_same_events_give_the_same_verdict(tmp_path: Path, last: str) -> None:
    hand = opened(tmp_path, CLOSED + "  for: 2MSL\n- send: ACK seq=SND.NXT\n- allow: RST seq=*")
    hand.come(last, after=0.3)
    hand.finish()
    again = replayed(hand.talk.record)
    assert again.verdict == hand.talk.verdict
    assert again.record.entries == hand.talk.record.entries
    assert again.record.events == hand.talk.record.events


def test_time_never_runs_back(tmp_path: Path) -> None:
    """An event that is told with an older time is taken as of now."""
    hand = opened(tmp_path, "- silence: 1s")
    hand.pass_time(0.9)
    hand.feed(events.Tick(hand.now))
    hand.talk.feed(events.Tick(START), START)
    assert hand.talk.now == pytest.approx(START + 0.91)
    hand.passes()


def test_the_addressing_is_what_was_asked_for(tmp_path: Path) -> None:
    case = write_case(tmp_path, "- silence: 1s")
    addressing = Addressing(ip=6, target_port=7, tester_port=9, irs=0xFFFFFFFF)
    talk = Conversation(case, PROFILE, RUNNERS, addressing)
    (syn,) = talk.start(START)
    assert isinstance(syn, actions.SendSegment)
    assert (syn.segment.sport, syn.segment.dport, syn.segment.seq) == (9, 7, 0xFFFFFFFF)
    assert syn.segment.flags is Flags.SYN
    assert talk.record.id == "case::hand-ipv6"
