"""Connections and incarnations: whose numbers a segment is in, and since when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hand import Hand, write_case
from test_play_conversation import CLOSED, opened

from conformance.play import events
from conformance.play.reading import Mark
from conformance.play.verdict import Outcome
from conformance.tcp.options import Mss, Timestamps
from conformance.tcp.seq import wrap

IRS = 0x10000000


# ---- connections -----------------------------------------------------------------------------

TWO = """
- send:   SYN seq=0
  conn:   b
- expect: SYN,ACK seq=0 ack=1
  conn:   b
- send:   ACK len=9
- send:   ACK len=3
  conn:   b
- expect: ACK ack=10
- expect: ACK ack=4
  conn:   b
"""


def test_connections_have_numbers_of_their_own(tmp_path: Path) -> None:
    hand = opened(tmp_path, TWO)
    hand.iss["b"] = 5000
    hand.come("SYN,ACK seq=0 ack=1", conn="b")
    hand.come("ACK seq=1 ack=4", conn="b")  # before the one that is asked for first
    hand.come("ACK seq=1 ack=10")
    hand.passes()
    second = hand.sent[2]
    assert (second.sport, second.dport, second.seq) == (40001, 4000, IRS + (1 << 24))
    assert [segment.payload[:1] for segment in hand.sent[-2:]] == [b"\0", b"\0"]


def test_a_segment_of_another_connection_is_no_answer(tmp_path: Path) -> None:
    hand = opened(tmp_path, TWO)
    hand.come("SYN,ACK seq=0 ack=1", conn="b")
    hand.come("ACK seq=1 ack=4", conn="b")
    hand.fails("nothing came within 0.55s")


def test_a_segment_of_another_connection_is_not_forgotten(tmp_path: Path) -> None:
    hand = opened(tmp_path, TWO)
    hand.come("SYN,ACK seq=0 ack=1", conn="b")
    hand.come("ACK seq=1 ack=4", conn="b")
    hand.come("ACK seq=1 ack=4", conn="b")
    hand.come("ACK seq=1 ack=10")
    hand.fails("a segment came that no step foresees")


# ---- incarnations ----------------------------------------------------------------------------


def closed(root: Path, steps: str) -> Hand:
    hand = opened(root, CLOSED + steps.strip("\n"))
    hand.come("FIN,ACK seq=1 ack=2")
    return hand


REOPENED = """
- send:   SYN seq=0 <mss 700>
- expect: SYN,ACK seq=0 ack=1
- send:   ACK seq=1 ack=1 len=5
- expect: ACK seq=1 ack=6 len=700
"""


def test_a_syn_that_is_acknowledged_opens_a_new_incarnation(tmp_path: Path) -> None:
    hand = closed(tmp_path, REOPENED)
    syn = hand.sent[-1]
    assert syn.seq == IRS + 2 + (1 << 20)  # above all that the old one sent
    assert syn.option(Mss) == Mss(700)
    hand.iss["a"] = 77
    number = replace(hand.segment("SYN,ACK seq=0"), ack=wrap(syn.seq + 1))
    hand.feed(events.Arrived(hand.now, number))
    assert hand.sent[-1].seq == wrap(syn.seq + 1)
    assert hand.sent[-1].ack == 78
    hand.come("ACK seq=1 ack=6 len=700")
    hand.passes()


@pytest.mark.parametrize(("past", "opens"), [(0, False), (1, True), (2, False)])
def test_only_what_acknowledges_the_new_syn_opens(tmp_path: Path, past: int, opens: bool) -> None:
    hand = closed(tmp_path, REOPENED)
    ack = wrap(hand.sent[-1].seq + past)
    hand.feed(events.Arrived(hand.now, replace(hand.segment("SYN,ACK seq=0"), ack=ack)))
    assert hand.talk.connections["a"].incarnation == opens


@pytest.mark.parametrize(
    ("before", "over"),
    [
        ("- state: CLOSED", True),
        ("- state: TIME-WAIT", True),
        ("- state: ESTABLISHED", False),
        ("- send: RST", True),
        ("- send: FIN,ACK", False),  # one direction is still open
        ("- drop: RST\n  from: tester", False),
    ],
)
def test_when_a_connection_is_over(tmp_path: Path, before: str, over: bool) -> None:
    hand = opened(tmp_path, before + "\n- send: SYN seq=0\n- silence: 1s")
    hand.passes()
    first = IRS + (before == "- send: FIN,ACK") + 1 + (1 << 20)
    assert hand.sent[-1].seq == (first if over else IRS)


def test_the_new_incarnation_is_held_to_what_its_own_syn_offered(tmp_path: Path) -> None:
    hand = closed(tmp_path, REOPENED.replace("len=700", "len=701"))
    hand.iss["a"] = 77
    ack = wrap(hand.sent[-1].seq + 1)
    hand.feed(events.Arrived(hand.now, replace(hand.segment("SYN,ACK seq=0"), ack=ack)))
    hand.come("ACK seq=1 ack=6 len=701")
    hand.fails(
        "no TCP may send this: it has 701 octets of text and 0 of options, and the MSS is 700"
    )


OLD = """
- send:   SYN seq={} <mss 100>
- expect: ACK seq=2 ack=2
- state:  TIME-WAIT
- send:   ACK seq=2 ack=2
- silence: 1s
"""


@pytest.mark.parametrize("seq", ["0", "RCV.NXT-100", "RCV.NXT-100000", "RCV.NXT+100000"])
def test_a_syn_that_is_not_acknowledged_leaves_the_old_numbers(tmp_path: Path, seq: str) -> None:
    hand = closed(tmp_path, OLD.format(seq))
    hand.come("ACK seq=2 ack=2")
    assert hand.sent[-1].seq == IRS + 2
    hand.passes()
    assert hand.talk.connections["a"].incarnation == 0
    assert hand.talk.connections["a"].tester_mss is None  # what it offered was not taken


def test_an_old_syn_takes_its_number_from_the_old_connection(tmp_path: Path) -> None:
    assert closed(tmp_path, OLD.format("RCV.NXT-100000")).sent[-1].seq == IRS + 2 - 100000


@pytest.mark.parametrize(("sent", "seq"), [("SYN,ACK seq=0 ack=1", 0), ("RST", 2), ("FIN", 2)])
def test_after_the_end_only_a_syn_without_ack_has_a_new_number(
    tmp_path: Path, sent: str, seq: int
) -> None:
    hand = closed(tmp_path, f"- send: {sent}\n- silence: 1s")
    hand.passes()
    assert hand.sent[-1].seq == IRS + seq


def test_a_reset_answers_the_new_syn_in_new_numbers(tmp_path: Path) -> None:
    hand = closed(tmp_path, "- send: SYN seq=0\n- expect: RST,ACK seq=0 ack=1")
    ack = wrap(hand.sent[-1].seq + 1)
    reset = replace(hand.segment("RST,ACK"), seq=0, ack=ack)
    hand.feed(events.Arrived(hand.now, reset))
    hand.passes()


def test_a_syn_of_the_target_after_the_end_opens_a_new_incarnation(tmp_path: Path) -> None:
    hand = closed(tmp_path, "- expect: SYN seq=0\n- send: SYN,ACK seq=0 ack=1\n- expect: ACK seq=1")
    hand.iss["a"] = 99
    hand.come("SYN seq=0")
    assert (hand.sent[-1].seq, hand.sent[-1].ack) == (IRS, 100)
    hand.come("ACK seq=1 ack=1")
    hand.passes()


@pytest.mark.parametrize("seq", ["RCV.NXT", "IRS"])
def test_a_syn_in_the_middle_opens_nothing_and_offers_nothing(tmp_path: Path, seq: str) -> None:
    steps = f"""
- send:   SYN seq=0 <mss 1000, TS 5/0>
- expect: SYN,ACK seq=0 ack=1 <...>
- send:   ACK
- send:   SYN seq={seq}
- expect: ACK seq=1 ack=1
- send:   ACK len=1
- expect: ACK ack=2 len=900
"""
    hand = Hand(write_case(tmp_path, steps, head="unwatched: [ts-echo]\n", given=""))
    hand.come("SYN,ACK seq=0 ack=1 <TS 1/5>")
    assert hand.sent[-1].seq == IRS + (1 if seq == "RCV.NXT" else 0)
    hand.come("ACK seq=1 ack=1 <TS 1/5>")
    assert hand.sent[-1].option(Timestamps) is not None  # they are still in force
    hand.come("ACK seq=1 ack=2 len=900 <TS 1/5>")  # and so is the MSS
    hand.passes()


def test_a_wrong_syn_ack_that_is_reset_ends_nothing(tmp_path: Path) -> None:
    """A SYN-SENT target resets it and goes on: its SYN has to be the same the next time."""
    steps = """
- spawn:  connect()
- expect: SYN seq=0
- send:   SYN,ACK seq=0 ack=300 <mss 1>
- expect: RST seq=300
- expect: SYN seq=0
- send:   SYN,ACK seq=0 ack=1 <mss 900>
- expect: ACK seq=1 ack=1
- expect: ACK seq=1 ack=1 len=900
- join:   connect() = c
"""
    for other, outcome in ((0, Outcome.PASS), (1, Outcome.FAIL)):
        hand = Hand(write_case(tmp_path, steps, given=""))
        hand.come("SYN seq=0")
        hand.come("RST seq=300")
        hand.iss["a"] += other
        hand.come("SYN seq=0")
        if other == 0:
            hand.come("ACK seq=1 ack=1")
            hand.come("ACK seq=1 ack=1 len=900")
        verdict = hand.finish()
        assert verdict.outcome is outcome
        assert verdict.step is (None if other == 0 else hand.talk.case.steps[4])


@pytest.mark.parametrize(
    ("given", "sent", "mark"),
    [
        ("open", "URG,ACK seq=1 ack=1 len=3 urg=2", Mark.of(1, 2)),
        ("", "SYN,URG seq=0 len=3 urg=2", Mark.of(0, 2, syn=True)),
    ],
)
def test_an_urgent_pointer_counts_from_the_syn_on_a_syn_alone(
    tmp_path: Path, given: str, sent: str, mark: Mark
) -> None:
    hand = Hand(write_case(tmp_path, f"- send: {sent}\n- silence: 1s\n", given=given)).open()
    assert hand.talk.connections["a"].tester_stream.marks == [mark]


def test_before_any_syn_both_streams_are_at_their_first_number(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, "- send: ACK\n- silence: 1s\n", given=""))
    assert (hand.sent[-1].seq, hand.sent[-1].ack) == (IRS, 0)
