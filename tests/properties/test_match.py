"""Match, describe and build are of one mind: what is printed of a segment matches it alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from option_samples import ANY_OPTION

from conformance.notation.expr import Lookup, Range, Value, exactly, number
from conformance.notation.options import OptionsText, OptionText
from conformance.notation.printer import print_segment
from conformance.notation.segment import SegmentText, parse_segment
from conformance.play.craft import build
from conformance.play.describe import describe
from conformance.play.match import Arrival, Sighting, Unwritten, differences, holds
from conformance.play.view import Connection, Numbers
from conformance.tcp import options as tcp
from conformance.tcp.flags import NONE, Flags
from conformance.tcp.options import has_body
from conformance.tcp.segment import Segment
from conformance.tcp.seq import MODULUS, diff, wrap

WORDS = st.integers(0, 0xFFFF)
NUMBERS = st.one_of(st.integers(0, MODULUS - 1), st.sampled_from([0, 1, 1 << 31, MODULUS - 1]))
RELATIVE = st.one_of(
    st.integers(-(1 << 31), (1 << 31) - 1), st.sampled_from([-(1 << 31), -1, 0, 1, (1 << 31) - 1])
)
FLAGS = st.sets(st.sampled_from(list(Flags))).map(
    lambda names: Flags(sum(int(name) for name in names))
)
OPTIONS = st.one_of(
    st.just(()),
    st.lists(ANY_OPTION, max_size=3).map(tuple),
    st.binary(max_size=40).map(tcp.decode),
)
ISNS = st.builds(Numbers, NUMBERS, NUMBERS)


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    """A segment of the target, as a wire may carry it; an urgent pointer goes with URG."""
    flags = draw(FLAGS)
    return Segment(
        sport=4000,
        dport=40000,
        flags=flags,
        seq=draw(NUMBERS),
        ack=draw(NUMBERS),
        window=draw(WORDS),
        urgent=draw(WORDS) if Flags.URG in flags else 0,
        options=draw(OPTIONS),
        payload=draw(st.binary(max_size=20)),
    )


def nowhere(name: str) -> int:
    raise KeyError(name)


def conn_of(numbers: Numbers) -> Connection:
    return Connection("a", 40000, 4000, numbers)


def sees(text: SegmentText, segment: Segment, numbers: Numbers) -> list[str]:
    """The fields in which they differ. What no text wrote is looked up where nothing ever was."""
    arrival = Arrival(0.0, Sighting(segment, numbers), "a")
    lookup: Lookup = conn_of(numbers).lookup
    return [one.field for one in differences(text, arrival, lookup)]


# ---- describe and match ----------------------------------------------------------------------


@given(segments(), ISNS, st.booleans())
def test_what_is_printed_of_a_segment_matches_it(
    segment: Segment, numbers: Numbers, window: bool
) -> None:
    text = describe(segment, numbers, from_target=True, window=window)
    assert sees(text, segment, numbers) == []


@given(segments(), ISNS)
def test_what_is_printed_can_be_pasted(segment: Segment, numbers: Numbers) -> None:
    assume(not any(isinstance(option, tcp.Malformed) for option in segment.options))
    text = describe(segment, numbers, from_target=True, window=True)
    pasted = parse_segment(print_segment(text))
    assert pasted == text
    assert sees(pasted, segment, numbers) == []


@given(segments(), ISNS, st.sampled_from([flag for flag in Flags if flag is not Flags.PSH]))
def test_another_flag_is_seen(segment: Segment, numbers: Numbers, flag: Flags) -> None:
    text = describe(segment, numbers, from_target=True)
    assert "flags" in sees(text, replace(segment, flags=segment.flags ^ flag), numbers)


@given(segments(), ISNS)
def test_psh_is_seen_where_it_is_written(segment: Segment, numbers: Numbers) -> None:
    text = describe(segment, numbers, from_target=True)
    other = replace(segment, flags=segment.flags ^ Flags.PSH)
    assert ("flags" in sees(text, other, numbers)) is (Flags.PSH in segment.flags)
    assert sees(replace(text, exact=True), other, numbers) == ["flags"]


@given(segments(), ISNS, st.sampled_from([flag for flag in Flags if flag is not Flags.PSH]))
def test_a_flag_that_may_be_set_is_seen_neither_way(
    segment: Segment, numbers: Numbers, flag: Flags
) -> None:
    text = describe(segment, numbers, from_target=True)
    text = replace(text, flags=text.flags & ~flag, maybe=flag)
    other = replace(segment, flags=segment.flags ^ flag)
    assert "flags" not in sees(text, segment, numbers)
    assert "flags" not in sees(text, other, numbers)
    third = Flags.RST if flag is not Flags.RST else Flags.SYN
    assert "flags" in sees(replace(text, flags=text.flags ^ third), segment, numbers)


@given(segments(), ISNS, st.sampled_from(["seq", "ack", "window", "urgent"]), st.data())
def test_another_number_is_seen(
    segment: Segment, numbers: Numbers, name: str, data: st.DataObject
) -> None:
    assume(name != "ack" or Flags.ACK in segment.flags)  # without ACK it means nothing
    assume(name != "urgent" or Flags.URG in segment.flags)
    most = MODULUS if name in ("seq", "ack") else 1 << 16
    step = data.draw(st.integers(1, most - 1))
    changed: dict[str, Any] = {name: (getattr(segment, name) + step) % most}
    text = describe(segment, numbers, from_target=True, window=True)
    told = {"window": "win", "urgent": "urg"}.get(name, name)
    assert sees(text, replace(segment, **changed), numbers) == [told]


@given(segments(), ISNS, st.binary(max_size=20))
def test_another_length_is_seen(segment: Segment, numbers: Numbers, payload: bytes) -> None:
    text = describe(segment, numbers, from_target=True)
    found = sees(text, replace(segment, payload=payload), numbers)
    assert found == ([] if len(payload) == len(segment.payload) else ["len"])


@given(segments(), ISNS, OPTIONS)
def test_other_options_are_seen(
    segment: Segment, numbers: Numbers, others: tuple[tcp.Option, ...]
) -> None:
    def bare(options: tuple[tcp.Option, ...]) -> list[str]:
        return sorted(str(o) for o in options if not isinstance(o, (tcp.Nop, tcp.Eol)))

    text = describe(segment, numbers, from_target=True)
    assume(text.options is not None)  # none are printed: they are free
    found = sees(text, replace(segment, options=others), numbers)
    assert found == ([] if bare(others) == bare(segment.options) else ["options"])


@given(segments(), ISNS)
def test_the_order_of_options_is_free(segment: Segment, numbers: Numbers) -> None:
    text = describe(segment, numbers, from_target=True)
    turned = replace(segment, options=segment.options[::-1])
    assert sees(text, turned, numbers) == []


@given(segments(), ISNS)
def test_a_looser_reading_never_sees_more(segment: Segment, numbers: Numbers) -> None:
    text = SegmentText(segment.flags & ~Flags.PSH)
    arrival = Arrival(0.0, Sighting(segment, numbers), "a")
    lookup = conn_of(numbers).lookup
    found = [
        {one.field for one in differences(text, arrival, lookup, unwritten)}
        for unwritten in (Unwritten.LOOSE, Unwritten.FREE, Unwritten.PREDICTED)
    ]
    assert found[0] <= found[1] <= found[2]
    assert found[0] == set()


# ---- values ----------------------------------------------------------------------------------


@given(RELATIVE, st.integers(0, 1 << 16), RELATIVE, st.integers(-2, 2))
def test_a_range_is_modular(low: int, size: int, actual: int, turns: int) -> None:
    """A number is inside if ``size`` steps from ``low`` reach it, however it is told."""
    value = Range(number(low), number(low + size))
    inside = any((low + step) % MODULUS == actual % MODULUS for step in (0, size // 2, size))
    if inside:
        assert holds(value, actual, nowhere)
    assert holds(value, actual, nowhere) is ((actual - low) % MODULUS <= size)
    assert holds(value, actual + turns * MODULUS, nowhere) is holds(value, actual, nowhere)
    assert holds(Range(number(low)), actual, nowhere) is (low % MODULUS == actual % MODULUS)


# ---- build and describe ----------------------------------------------------------------------


def _values(*numbers: int) -> tuple[Value, ...]:
    return tuple(exactly(one) for one in numbers)


EDGES = st.integers(1, 4).flatmap(
    lambda blocks: st.lists(RELATIVE, min_size=2 * blocks, max_size=2 * blocks)
)
UNREAD = st.integers(30, 255).filter(lambda kind: not has_body(kind))
WRITABLE_OPTIONS = st.lists(
    st.one_of(
        st.builds(lambda n: OptionText("mss", _values(n)), WORDS),
        st.builds(lambda n: OptionText("wscale", _values(n)), st.integers(0, 255)),
        st.just(OptionText("sackOK")),
        st.builds(lambda e: OptionText("sack", _values(*e)), EDGES),
        st.builds(lambda v, e: OptionText("TS", _values(v, e)), NUMBERS, NUMBERS),
        st.builds(lambda k, b: OptionText("kind", _values(k), b), UNREAD, st.binary(max_size=38)),
    ),
    min_size=1, max_size=4,
)  # fmt: skip


@st.composite
def writable(draw: st.DrawFn) -> SegmentText:
    """A segment in full: everything that a report prints of it."""
    flags = draw(FLAGS)
    fields: dict[str, Value] = {"seq": exactly(draw(RELATIVE)), "win": exactly(draw(WORDS))}
    if Flags.ACK in flags:
        fields["ack"] = exactly(draw(RELATIVE))
    if Flags.URG in flags:
        fields["urg"] = exactly(draw(WORDS))
    if size := draw(st.integers(0, 30)):
        fields["len"] = exactly(size)
    options = draw(st.none() | WRITABLE_OPTIONS.map(lambda o: OptionsText(tuple(o))))
    return SegmentText(flags, False, fields, None, options)


@given(writable(), ISNS)
def test_what_is_built_is_described_as_it_was_written(text: SegmentText, numbers: Numbers) -> None:
    segment = build(text, conn_of(numbers), nowhere, 0.0)
    assert describe(segment, numbers, from_target=False, window=True) == text
    assert parse_segment(print_segment(text)) == text


@given(ISNS, NUMBERS.filter(bool))
def test_a_number_without_ack_is_told_of_the_tester_alone(numbers: Numbers, ack: int) -> None:
    segment = Segment(4000, 40000, Flags.RST, seq=1, ack=ack)
    assert "ack" in describe(segment, numbers, from_target=False).fields
    assert "ack" not in describe(segment, numbers, from_target=True).fields


@given(writable(), ISNS)
def test_what_one_end_builds_the_other_expects(text: SegmentText, numbers: Numbers) -> None:
    """The two ends see one connection from its two sides."""
    mirrored = Numbers(numbers.iss or 0, numbers.irs)
    segment = build(text, conn_of(mirrored), nowhere, 0.0)
    assert sees(text, segment, numbers) == []


# ---- numbers ---------------------------------------------------------------------------------


@given(ISNS, RELATIVE)
def test_relative_numbers_come_back(numbers: Numbers, relative: int) -> None:
    assert numbers.of_target(numbers.target_number(relative)) == relative
    assert numbers.of_tester(numbers.tester_number(relative)) == relative


@given(ISNS, NUMBERS)
def test_header_numbers_come_back(numbers: Numbers, header: int) -> None:
    assert numbers.target_number(numbers.of_target(header)) == header
    assert numbers.tester_number(numbers.of_tester(header)) == header


@given(ISNS, RELATIVE, RELATIVE)
def test_both_ends_of_a_segment(numbers: Numbers, seq: int, ack: int) -> None:
    ours = Segment(1, 2, NONE, numbers.tester_number(seq), numbers.target_number(ack))
    theirs = Segment(2, 1, NONE, numbers.target_number(seq), numbers.tester_number(ack))
    assert numbers.from_tester(ours) == (seq, ack)
    assert numbers.from_target(theirs) == (seq, ack)


@given(NUMBERS, NUMBERS)
def test_an_isn_that_was_never_learnt_is_none(irs: int, header: int) -> None:
    numbers = Numbers(irs)
    assert numbers.of_target(header) == header
    assert numbers.target_number(header) == header


@given(ISNS, NUMBERS)
def test_the_isn_is_0(numbers: Numbers, other: int) -> None:
    assert numbers.iss is not None
    assert numbers.of_target(numbers.iss) == numbers.of_tester(numbers.irs) == 0
    assert diff(wrap(numbers.iss + other), numbers.iss) == numbers.of_target(
        wrap(numbers.iss + other)
    )


@pytest.mark.parametrize(
    ("options", "matches"),
    [
        ((tcp.Mss(1460), tcp.SackPermitted()), True),
        ((tcp.Mss(1460),), True),
        ((tcp.Mss(1460), tcp.SackPermitted(), tcp.WindowScale(7)), True),
        ((tcp.SackPermitted(),), False),
        ((tcp.Mss(1460), tcp.Timestamps(1, 2)), False),
        ((tcp.Mss(1460), tcp.SackPermitted(), tcp.SackPermitted()), False),
    ],
)
def test_an_option_that_may_be_missing(options: tuple[tcp.Option, ...], matches: bool) -> None:
    text = parse_segment("SYN,ACK seq=0 ack=0 <mss 1460, sackOK?, wscale *?>")
    segment = Segment(4000, 40000, Flags.SYN | Flags.ACK, 9, 7, options=options)
    assert (sees(text, segment, Numbers(7, 9)) == []) is matches
