"""What is a change of behaviour, and what is noise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import report_samples as samples

from conformance.play.record import What
from conformance.report.compare_story import ChangeKind, Story, TargetAct, differences
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment

FIN = TargetAct("FIN,ACK seq=1 ack=1", 1.0, (0.8, 0.8))
AGAIN = replace(FIN, at=2.0, since=(1.0, 1.0))
SYN = TargetAct("SYN seq=0 <mss 1460>", 0.2, (0.2, 0.2))
ACK = TargetAct("ACK seq=1 ack=1", 0.3, (0.1, 0.1))


def story(
    *moments: TargetAct, kind: str = "segment", end: str = "the end", length: float = 60.0,
    late: float = 0.0, virtual: bool = True, path: bool = True,
) -> Story:  # fmt: skip
    return Story({(kind, "a"): moments}, end, length, late, virtual, path)


def later(moment: TargetAct, seconds: float) -> TargetAct:
    since = tuple(one + seconds for one in moment.since)
    return replace(moment, at=moment.at + seconds, since=since)


def changed(a: Story, b: Story) -> ChangeKind | None:
    """The first change; all of them are the same seen from the other side."""
    mirror = {ChangeKind.MORE: ChangeKind.LESS, ChangeKind.LESS: ChangeKind.MORE}
    there, back = differences(a, b), differences(b, a)
    assert len(there) == len(back)
    for one, other in zip(there, back, strict=True):
        assert other.change is mirror.get(one.change, one.change)
        assert (other.a, other.b, other.at) == (one.b, one.a, one.at)
    return there[0].change if there else None


def test_the_same_is_the_same() -> None:
    assert changed(story(SYN, ACK, FIN), story(SYN, ACK, FIN)) is None
    assert changed(story(), story()) is None


@pytest.mark.parametrize(
    ("a", "b", "change"),
    [
        ((SYN, ACK), (SYN, FIN), ChangeKind.SEGMENT),
        ((SYN, ACK), (SYN, ACK, FIN), ChangeKind.MORE),
        ((SYN, FIN), (SYN, ACK, FIN), ChangeKind.MORE),
        ((SYN, FIN, AGAIN), (SYN, FIN), ChangeKind.LESS),
        ((SYN, ACK, FIN), (SYN, FIN, ACK), ChangeKind.ORDER),
    ],
)
def test_other_segments_are_a_change(
    a: tuple[TargetAct, ...], b: tuple[TargetAct, ...], change: ChangeKind
) -> None:
    assert changed(story(*a), story(*b)) is change


# The longer of two times is t, and t/8 is noise; so is a tick, and what the harnesses were late.
@pytest.mark.parametrize(
    ("seconds", "more", "late", "virtual", "apart"),
    [
        (1.0, 0.14, 0.0, True, False),  # 1.14 / 8 = 0.1425
        (1.0, 0.145, 0.0, True, True),  # 1.145 / 8 = 0.1431
        (0.04, 0.0099, 0.0, True, False),
        (0.04, 0.0101, 0.0, True, True),
        (0.04, 0.0101, 0.001, True, False),
        (0.04, 0.0299, 0.0, False, False),
        (0.04, 0.0301, 0.0, False, True),
        (0.04, 0.0399, 0.005, False, False),
        (0.04, 0.0401, 0.005, False, True),
    ],
)
def test_noise_has_an_edge(
    seconds: float, more: float, late: float, virtual: bool, apart: bool
) -> None:
    one = TargetAct("ACK seq=1 ack=101", 5.0, (seconds, seconds))
    sides = [story(x, late=late, virtual=virtual) for x in (one, later(one, more))]
    assert changed(*sides) is (ChangeKind.TIME if apart else None)


def test_one_side_in_real_time_makes_it_real() -> None:
    assert changed(story(ACK), story(later(ACK, 0.02), virtual=False)) is None


def test_a_time_may_count_from_either_cause() -> None:
    """Where the call's return was late, the target's own last segment tells."""
    moved = replace(FIN, since=(FIN.since[0] - 0.3, FIN.since[1]))
    assert changed(story(SYN, FIN), story(SYN, moved)) is None
    both = replace(moved, since=(moved.since[0], FIN.since[1] + 0.3))
    assert changed(story(SYN, FIN), story(SYN, both)) is ChangeKind.TIME


def test_what_one_had_no_time_to_see_is_no_change() -> None:
    """The wait of one side was over just before."""
    assert changed(story(SYN, ACK), story(SYN, length=0.3)) is None
    assert changed(story(SYN, ACK), story(SYN, length=0.309)) is None
    assert changed(story(SYN, ACK), story(SYN, length=0.33)) is ChangeKind.LESS


def test_states_that_were_sampled_may_have_been_missed() -> None:
    states = [TargetAct(name, at, (at,)) for at, name in enumerate(("SYN-SENT", "ESTABLISHED"))]
    few, many = (story(*one, kind="state") for one in (states[1:], states))
    assert changed(few, many) is ChangeKind.STATE
    assert changed(replace(few, path=False), many) is None
    other = story(replace(states[0], text="LISTEN"), kind="state", path=False)
    assert changed(other, many) is ChangeKind.STATE
    assert changed(story(later(states[1], 9), kind="state", path=False), many) is None
    assert changed(story(states[0], later(states[1], 9), kind="state"), many) is ChangeKind.TIME


def test_a_call_and_the_end_are_told() -> None:
    done = TargetAct("recv(c, 10) = 10", 1.0, (0.0, 0.0))
    other = replace(done, text="recv(c, 10) = ECONNRESET")
    assert changed(story(done, kind="call"), story(other, kind="call")) is ChangeKind.CALL
    assert changed(story(ACK, end="9: a"), story(ACK, end="10: b")) is ChangeKind.END
    assert changed(story(ACK, end="9: a"), story(FIN, end="10: b")) is ChangeKind.SEGMENT


def test_the_first_of_several_is_told() -> None:
    a = Story({("segment", "a"): (SYN, FIN), ("segment", "b"): (ACK,)}, "", 60, 0, True, True)
    reset = replace(FIN, text="RST seq=1")
    b = Story({("segment", "a"): (SYN, reset), ("segment", "b"): ()}, "", 60, 0, True, True)
    first, second = differences(a, b)
    assert (first.at, first.a, first.b) == (0.3, ACK.text, "-")
    assert (second.at, second.a, second.b) == (1.0, FIN.text, "RST seq=1")


def test_other_options_and_another_time_end_nothing() -> None:
    other = replace(SYN, text="SYN seq=0 <mss 1440>")
    late = later(FIN, 1)
    told = differences(story(SYN, SYN, FIN, AGAIN), story(other, other, late, ACK))
    assert [one.change for one in told] == [ChangeKind.OPTIONS, ChangeKind.SEGMENT, ChangeKind.TIME]
    assert changed(story(SYN), story(replace(SYN, text="SYN seq=0"))) is ChangeKind.OPTIONS


def test_a_push_is_a_behaviour_in_virtual_time_alone() -> None:
    text = replace(ACK, text="ACK seq=1 ack=1 len=10")
    push = replace(ACK, text="PSH,ACK seq=1 ack=1 len=10")
    assert changed(story(text), story(push)) is ChangeKind.SEGMENT
    assert changed(story(text), story(push, virtual=False)) is None


def told(text: str, segment: Segment) -> Story:
    """The story of a record in which the target sent this."""
    record = samples.passed()
    place = next(i for i, one in enumerate(record.entries) if one.what is What.RECEIVED)
    record.entries[place] = replace(record.entries[place], text=text, segment=segment)
    return Story.of(record)


def test_what_is_random_is_no_behaviour() -> None:
    one, other = (Segment(4000, port, Flags.SYN, port, window=port) for port in (7, 8))
    first = told("SYN,ACK seq=0 ack=1 <TS 1/2, kind 254 0x01>", one)
    text = "SYN,ACK seq=0 ack=1 <TS 3/4, kind 254 0xff>"
    assert changed(first, told(text, other)) is None
    assert changed(first, told(text.replace("254", "253"), other)) is ChangeKind.OPTIONS
    assert changed(first, told(text.replace("ack=1", "ack=2"), other)) is ChangeKind.SEGMENT


def asked(step: str, text: str) -> Story:
    """The story of a record in which this call was made in the place of close()."""
    record = samples.passed()
    place = next(i for i, one in enumerate(record.entries) if one.text == "close(c) = 0")
    made = samples.step(6, f"call: {step}")
    record.entries[place] = replace(record.entries[place], text=text, step=made)
    return Story.of(record)


def test_nor_is_the_port_that_a_call_tells() -> None:
    peer, name = "getpeername(c) = tester", "getsockname(c)"
    first = asked(peer, "getpeername(c) = 1024")
    assert changed(first, asked(peer, "getpeername(c) = 1088")) is None
    assert changed(first, asked(peer, "getpeername(c) = ENOTCONN")) is ChangeKind.CALL
    number = asked(f"{name} = 4000..4001", f"{name} = 4000")
    assert changed(number, asked(f"{name} = 4000..4001", f"{name} = 4001")) is ChangeKind.CALL


def test_a_shut_window_is_a_behaviour_and_a_reset_has_none() -> None:
    for flags, change in ((Flags.ACK, ChangeKind.SEGMENT), (Flags.RST, None)):
        open_one, shut = (Segment(4000, 9, flags, 1, window=window) for window in (1, 0))
        assert changed(told("the text", open_one), told("the text", shut)) is change
