"""``send``, ``drop`` and ``allow``: which numbers move, and which do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import START, Hand, write_case

from conformance.play import events
from conformance.play.verdict import Outcome
from conformance.tcp.flags import Flags
from conformance.tcp.options import Mss, Timestamps
from conformance.tcp.segment import WRONG_CHECKSUM
from conformance.tcp.seq import wrap
from conformance.tcp.stream import octets

IRS = 0x10000000  # the tester's first ISN, as conformance.play.record.Addressing has it
ISS = 0xFFFFFFFE


def opened(root: Path, steps: str, **more: str) -> Hand:
    return Hand(write_case(root, steps, **more)).open()


def test_what_is_not_written_is_what_a_peer_would_put_there(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- send: ACK len=5\n- send: FIN,ACK\n- expect: ACK ack=7")
    syn, ack, text, fin = hand.sent
    assert (syn.seq, syn.ack, syn.flags, syn.window) == (IRS, 0, Flags.SYN, 65535)
    assert (ack.seq, ack.ack, ack.window) == (IRS + 1, wrap(ISS + 1), 65535)
    assert (text.seq, text.ack, text.payload) == (IRS + 1, wrap(ISS + 1), octets(0, 5))
    assert (fin.seq, fin.flags) == (IRS + 6, Flags.FIN | Flags.ACK)
    assert {s.sport for s in hand.sent} == {40000}
    assert {s.dport for s in hand.sent} == {4000}


def test_a_closed_window_takes_one_octet(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- wait: 1s\n- send: ACK len=2\n- send: ACK\n- silence: 1s", head="")
    hand.talk.connections["a"].tcb.rcv_edge = 1
    hand.pass_time(1.0)
    assert [wrap(segment.seq - IRS) for segment in hand.sent[2:]] == [1, 2]


def test_the_window_is_what_is_left_of_the_one_that_was_offered(tmp_path: Path) -> None:
    """Its edge stays where the target put it, though an ACK is delayed or on its way."""
    steps = """
- send: ACK len=300
- send: ACK seq=RCV.NXT+RCV.WND len=1
- expect: ACK ack=301 win=1000
- send: ACK seq=RCV.NXT+RCV.WND len=1
- silence: 1s"""
    hand = Hand(write_case(tmp_path, steps)).open("SYN,ACK seq=0 ack=1 win=1000")
    edges = [wrap(segment.seq - IRS) for segment in hand.sent[2:]]
    assert edges == [1, 1001]
    hand.come("ACK seq=1 ack=301 win=1000")
    assert wrap(hand.sent[-1].seq - IRS) == 1301


def test_what_is_written_is_sent(tmp_path: Path) -> None:
    steps = """
- send: ACK,URG seq=RCV.NXT+100 ack=SND.NXT-1 win=9 urg=3 len=2 <mss 7, nop, TS 5/6>
- send: {flags: none, data: hello, checksum: bad, offset: 15, reserved: 5, ip: {ttl: 1}}
- silence: 1s
"""
    hand = opened(tmp_path, steps)
    first, second = hand.sent[2:]
    assert (first.seq, first.ack, first.window, first.urgent) == (IRS + 101, wrap(ISS), 9, 3)
    assert first.option(Mss) == Mss(7)
    assert first.option(Timestamps) == Timestamps(5, 6)
    assert first.payload == octets(100, 2)
    assert (second.flags, second.payload, second.checksum) == (Flags(0), b"hello", WRONG_CHECKSUM)
    assert (second.offset, second.reserved, second.ip.ttl) == (15, 5, 1)
    hand.passes()


def test_after_is_counted_from_the_end_of_the_step_before(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- send: ACK\n  after: 2s\n- silence: 1s")
    assert len(hand.sent) == 2
    hand.pass_time(1.99)
    assert len(hand.sent) == 2
    hand.pass_time(0.02)
    assert len(hand.sent) == 3
    hand.passes()


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        ("ACK ack=first.TSval", "first.TSval has no value here"),
        ("ACK len=first.seq-9", "len=-8 cannot be sent: one step sends 0 to 65535 octets"),
    ],
)
def test_a_segment_that_cannot_be_built_is_the_cases_error(
    tmp_path: Path, segment: str, message: str
) -> None:
    hand = opened(tmp_path, f"- expect: ACK\n  as: first\n- send: {segment}\n- expect: ACK")
    hand.come("ACK seq=1 ack=1")
    hand.fails(f"the case is wrong: {message}", Outcome.ERROR)


# ---- drop: the target's ----------------------------------------------------------------------


def test_what_is_dropped_moves_the_target_and_not_the_tester(tmp_path: Path) -> None:
    steps = """
- drop:   ACK len=5
  as:     lost
- send:   ACK len=1
- expect: ACK seq=6 ack=2
- expect: ACK seq=lost.seq len=5
- send:   ACK
- expect: ACK
"""
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=1 len=5")
    assert hand.sent[-1].ack == wrap(ISS + 1)  # nothing was received
    hand.come("ACK seq=6 ack=2")
    hand.come("ACK seq=1 ack=2 len=5")
    assert hand.sent[-1].ack == wrap(ISS + 6)
    hand.come("ACK seq=6 ack=2")
    hand.passes()
    assert [e.text for e in hand.talk.record.entries if e.lost] == ["ACK seq=1 ack=1 len=5"]


def test_drop_fails_as_expect_does(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- drop: ACK len=5\n  within: 1s")
    hand.come("ACK seq=1 ack=1 len=4")
    assert [d.field for d in hand.fails("another segment came").differences] == ["len"]
    opened(tmp_path, "- drop: ACK\n  within: 3s").fails("nothing came within 3s")


def test_a_dropped_timestamp_is_not_echoed(tmp_path: Path) -> None:
    steps = """
- send:   SYN seq=0 <TS 1/0>
- expect: SYN,ACK seq=0 ack=1 <TS 7/1>
- drop:   ACK seq=1 len=1
- send:   ACK seq=1 ack=1
- expect: ACK
"""
    hand = Hand(write_case(tmp_path, steps, head="unwatched: [ts-echo]\n", given=""))
    hand.come("SYN,ACK seq=0 ack=1 <TS 7/1>")
    hand.come("ACK seq=1 ack=1 len=1 <TS 8/1>")
    stamps = hand.sent[-1].option(Timestamps)
    assert stamps is not None
    assert stamps.echo == 7


def test_the_clock_of_the_timestamps_goes_on_by_a_tick_a_millisecond(tmp_path: Path) -> None:
    steps = """
- send:   SYN seq=0 <TS 4294967290/0>
- expect: SYN,ACK seq=0 ack=1 <TS 7/4294967290>
- wait:   2s
- send:   ACK
- wait:   1s
- send:   ACK
"""
    hand = Hand(write_case(tmp_path, f"{steps}- silence: 1s\n", given=""))
    hand.come("SYN,ACK seq=0 ack=1 <TS 7/4294967290>")
    hand.passes()
    assert [one.option(Timestamps) for one in hand.sent[1:]] == [
        Timestamps(1994, 7), Timestamps(2994, 7)
    ]  # fmt: skip


# ---- drop: ours ------------------------------------------------------------------------------


def test_ours_that_is_lost_moves_the_tester_and_not_the_target(tmp_path: Path) -> None:
    steps = """
- drop:   ACK len=5
  from:   tester
  as:     lost
- send:   ACK len=1
- expect: ACK                      # RCV.NXT is lost.seq
- send:   ACK seq=lost.seq len=lost.len
- expect: ACK ack=RCV.NXT
"""
    hand = opened(tmp_path, steps)
    assert len(hand.sent) == 3  # SYN, ACK, and the octet after the gap
    assert hand.sent[-1].seq == IRS + 6
    assert hand.sent[-1].payload == octets(5, 1)
    hand.come("ACK seq=1 ack=1")
    assert (hand.sent[-1].seq, hand.sent[-1].payload) == (IRS + 1, octets(0, 5))
    hand.come("ACK seq=1 ack=7")
    hand.passes()
    (lost,) = (entry for entry in hand.talk.record.entries if entry.lost)
    assert lost.text == "ACK seq=1 ack=1 len=5"


def test_what_was_lost_is_sent_again_as_it_was(tmp_path: Path) -> None:
    steps = """
- drop:   ACK data="hello"
  from:   tester
- send:   ACK seq=1 len=7
- expect: ACK ack=8
"""
    assert opened(tmp_path, steps).sent[-1].payload == b"hello" + octets(5, 2)


def test_the_target_may_not_acknowledge_what_was_lost(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- drop: ACK len=5\n  from: tester\n- expect: ACK ack=6")
    hand.come("ACK seq=1 ack=6")
    failure = hand.fails("no TCP may send this: it acknowledges 6, and nothing beyond 1 was sent")
    assert failure.requirement == "rfc9293/T-3.4-seglen"


# ---- allow -----------------------------------------------------------------------------------


def test_an_allowed_segment_may_come_and_need_not(tmp_path: Path) -> None:
    steps = "- allow: ACK len=3\n- send: ACK\n- expect: FIN,ACK seq=SND.NXT"
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=1 len=3")
    hand.come("FIN,ACK seq=4 ack=1")
    hand.passes()
    hand = opened(tmp_path, steps)
    hand.come("FIN,ACK seq=1 ack=1")
    hand.passes()


def test_an_allowance_is_used_up(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- allow: ACK\n- send: ACK\n- silence: 1s")
    hand.come("ACK seq=1 ack=1", after=0.1)
    hand.come("ACK seq=1 ack=1", after=0.1)
    failure = hand.fails("a segment came that no step foresees")
    assert failure.expected == ("silence",)
    assert failure.actual == "ACK seq=1 ack=1 win=65535"


def test_the_step_itself_comes_before_the_allowance(tmp_path: Path) -> None:
    steps = "- allow: ACK\n- send: ACK\n- expect: ACK\n  within: 200ms\n- wait: 1s"
    hand = opened(tmp_path, steps)
    hand.come("ACK seq=1 ack=1")
    hand.come("ACK seq=1 ack=1", after=0.5)  # the allowance is still there
    hand.passes()


@pytest.mark.parametrize(
    ("allowed", "comes", "fits"),
    [
        ("ACK", "ACK seq=77 ack=0", True),  # unwritten numbers are free
        ("ACK", "ACK seq=1 ack=1 len=1", False),  # unwritten text is none
        ("ACK len=*", "ACK seq=1 ack=1 len=1", True),
        ("ACK seq=1", "ACK seq=2 ack=1", False),
        ("ACK", "FIN,ACK seq=1 ack=1", False),
        ("ACK", "PSH,ACK seq=1 ack=1", True),
    ],
)
def test_what_an_allowance_fits(tmp_path: Path, allowed: str, comes: str, fits: bool) -> None:
    hand = opened(tmp_path, f"- allow: {allowed}\n- send: ACK\n- silence: 1s")
    hand.come(comes, after=0.1)
    assert hand.finish().outcome is (Outcome.PASS if fits else Outcome.FAIL)


def test_an_allowed_segment_is_no_cause(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- allow: ACK\n- send: ACK\n- expect: FIN,ACK\n  within: 1s")
    hand.come("ACK seq=1 ack=1", after=0.9)
    hand.come("FIN,ACK seq=1 ack=1", at=hand.now + 0.2)
    hand.fails("it came too late")


def test_a_lost_send_is_an_error(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, "- silence: 1s"), hold=["SendSegment"])
    hand.feed(events.Lost(START, "the link is down"))
    failure = hand.fails("the link is down", Outcome.ERROR)
    assert failure.expected == ()


def test_what_no_link_has_room_for_is_the_cases_error(tmp_path: Path) -> None:
    steps = "- send: ACK len=SND.NXT+{}\n- expect: ACK"
    hand = opened(tmp_path, steps.format(1439))
    assert len(hand.sent[-1].payload) == 1440
    told = "1441 octets of text and options are too long for the link, which has room for 1440"
    hand = opened(tmp_path, steps.format(1440))
    hand.fails(f"the case is wrong: {told}; cut: 1000 sends it in several", Outcome.ERROR)


@pytest.mark.parametrize(
    ("step", "hint"),
    [
        ("send: ACK len=RCV.WND", "cut: 1000 sends it in several"),
        ("send: ACK len=RCV.WND\n  cut: 1441", "cut: 1000 sends it in several"),
        ("send: SYN len=RCV.WND", "send its text after it"),
        ("drop: ACK len=RCV.WND\n  from: tester", "lose it in several steps, of 1000 octets each"),
    ],
)
def test_a_length_that_only_a_play_gives_has_the_hint_too(
    tmp_path: Path, step: str, hint: str
) -> None:
    hand = opened(tmp_path, f"- expect: ACK\n- {step}\n- expect: ACK")
    hand.come("ACK seq=1 ack=1 win=4000")
    octets = 1441 if "cut" in step else 4000
    told = f"{octets} octets of text and options are too long for the link"
    hand.fails(f"the case is wrong: {told}, which has room for 1440; {hint}", Outcome.ERROR)


def test_a_long_text_goes_in_pieces_and_its_end_on_the_last(tmp_path: Path) -> None:
    steps = "- send: FIN,PSH,ACK len=2500\n  cut: 1000\n  as: last\n- expect: ACK ack=last.end"
    hand = opened(tmp_path, steps)
    *_, first, second, last = hand.sent
    assert [one.seq - IRS for one in (first, second, last)] == [1, 1001, 2001]
    assert b"".join(one.payload for one in (first, second, last)) == octets(0, 2500)
    assert first.flags == second.flags == Flags.ACK
    assert last.flags == Flags.FIN | Flags.PSH | Flags.ACK
    hand.come("ACK seq=1 ack=2502")
    hand.passes()


def test_the_pieces_of_an_urgent_text_point_to_one_octet(tmp_path: Path) -> None:
    steps = "- send: ACK,URG len=2500 urg=1500\n  cut: 1000\n- expect: ACK ack=2501"
    *_, first, second, last = opened(tmp_path, steps).sent
    assert [(one.has(Flags.URG), one.urgent) for one in (first, second, last)] == [
        (True, 1500), (True, 500), (False, 0)
    ]  # fmt: skip
