"""Ladders against golden texts, and what must hold of every one of them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import report_rare as rare
import report_samples as samples
from hypothesis import given
from hypothesis import strategies as st

from conformance.case.load import load_case
from conformance.case.step import Way
from conformance.notation.segment import parse_segment
from conformance.play.record import Entry, What
from conformance.report.ladder import head, ladder, moment, plan
from conformance.report.ladder_layout import LadderRow, draw, pieces
from conformance.targets.base import Job
from conformance.targets.kinds.reference import Reference

ESCAPE = re.compile(r"\033\[[0-9;]*m")


def test_ladder_of_what_happened() -> None:
    samples.golden("ladder-passed", ladder(samples.passed()))


def test_ladder_up_to_a_step_ends_with_its_last_row() -> None:
    samples.golden("ladder-upto", ladder(samples.passed(), upto=samples.STEPS[3]))


def test_ladder_marks_the_segment_that_failed_the_case() -> None:
    text = ladder(samples.wrong_segment())
    samples.golden("ladder-wrong-segment", text)
    assert [line for line in text.splitlines() if "! |" in line] == [
        line for line in text.splitlines() if "RST seq=2" in line
    ]


def test_ladder_says_what_was_missed() -> None:
    samples.golden("ladder-nothing-came", ladder(samples.nothing_came()))


def test_ladder_of_rare_things() -> None:
    samples.golden("ladder-odd", ladder(rare.odd()))


def test_ladder_that_must_be_narrow_wraps() -> None:
    text = ladder(rare.odd(), width=72)
    samples.golden("ladder-narrow", text)
    assert max(map(len, text.splitlines())) <= 72


def test_ladder_of_states_and_what_caused_them() -> None:
    samples.golden("ladder-states", ladder(rare.states()))


def test_ladder_in_colour() -> None:
    text = ladder(samples.wrong_segment(), color=True) + ladder(samples.nothing_came(), color=True)
    samples.golden("ladder-painted", text + plan(samples.deviating(), color=True))


def test_plan_of_states() -> None:
    case = rare.states_plan()
    samples.golden("plan-states", head(case) + "\n" + plan(case))


def test_a_record_in_which_nothing_happened() -> None:
    assert ladder(samples.skipped()) == "nothing happened\n"


def test_plan_of_a_case() -> None:
    samples.golden("plan", head(samples.CASE) + "\n" + plan(samples.CASE))


def test_plan_of_rare_steps() -> None:
    case = rare.unusual_plan()
    samples.golden("plan-unusual", head(case) + "\n" + plan(case))


def test_plan_shows_a_deviation_at_its_step() -> None:
    samples.golden("plan-deviation", plan(samples.deviating()))


def test_colour_adds_nothing_but_escapes() -> None:
    for record in (samples.passed(), samples.wrong_segment(), rare.odd()):
        painted = ladder(record, color=True)
        assert "\033[" in painted
        assert ESCAPE.sub("", painted).replace(" \n", "\n") == ladder(record)
    case = rare.unusual_plan()
    assert ESCAPE.sub("", plan(case, color=True)) == plan(case)
    assert ESCAPE.sub("", head(case, color=True)) == head(case)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 ms"),
        (0.00051, "0.5 ms"),
        (0.9994, "999.4 ms"),
        (0.99951, "1.000 s "),
        (7200.0, "7200.000 s "),
    ],
)
def test_moments(seconds: float, text: str) -> None:
    assert moment(seconds) == text


def test_a_real_run_is_drawn_within_the_width_and_can_be_pasted() -> None:
    for case in load_case("cases/rfc9293/3.6-close/lost-final-ack.yaml"):
        record = Reference().play(Job(case))
        for text in (ladder(record), plan(case)):
            assert max(map(len, text.splitlines())) <= 100
        arrows = re.findall(r"\| (?:-->|<--|X--) (.*?) +(?:-->|<--|--X) \|", ladder(record))
        assert len(arrows) > 5
        for arrow in arrows:
            parse_segment(arrow)


def test_the_rails_are_as_far_apart_as_the_widest_row_asks() -> None:
    wide = 50
    drawn = ""
    for way in Way:
        rows = [
            LadderRow(way, "x" * wide, indent=3),
            LadderRow(Way.TO_TARGET, "short", state="CLOSED"),
        ]
        drawn += f"{way.name}\n{draw(rows)}"
    samples.golden("ladder-widths", drawn)


def test_a_row_that_is_too_long_goes_on_below() -> None:
    options = "<mss 1460, sackOK, TS 1/2>"
    rows = [
        LadderRow(Way.TO_TARGET, f"SYN seq=0 {options}", "1.0 ms", "a", "CLOSED", "!"),
        LadderRow(Way.TO_TESTER, f"SYN,ACK seq={'0' * 20} <{'o' * 28}>", "1.0 ms", "longer"),
        LadderRow(Way.TO_TESTER, f"SYN,ACK seq={'0' * 20} <{'o' * 28}>", "2.0 ms", "a", indent=3),
        LadderRow(Way.AT_TARGET, f"recv(c, {'9' * 40}) = well-known", "2.0 ms", "a"),
        LadderRow(Way.PASSES, "word " * 12, "3.0 ms", "a"),
    ]
    text = draw(rows, width=76)
    samples.golden("ladder-wrapped", text)
    assert max(map(len, text.splitlines())) <= 76
    assert draw([]) == "tester" + " " * 33 + "target\n"


WORDS = st.text("ABC seq=0123456789,<>*.", max_size=150)


@given(
    st.lists(
        st.builds(
            LadderRow,
            st.sampled_from(Way),
            WORDS,
            time=st.sampled_from(["", "1.0 ms", "7200.000 s "]),
            conn=st.sampled_from(["", "a", "bcd"]),
            state=st.sampled_from(["", "SYN-RECEIVED"]),
            mark=st.sampled_from(["", "!", "?"]),
            lost=st.booleans(),
            indent=st.sampled_from([0, 3, 6]),
        ),
        max_size=6,
    ),
    st.integers(72, 100),
)
def test_no_line_is_too_wide_and_the_rails_are_straight(rows: list[LadderRow], width: int) -> None:
    lines = draw(rows, width=width).splitlines()
    assert all(len(line) <= width for line in lines)
    found = {(line.find("target") + 3, line.find("tester") + 3) for line in lines[:1]}
    target, tester = found.pop()
    for line in lines[1:]:
        assert line[target] in "|:"
        assert line[tester] in "|:"


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from(What)), max_size=12))
def test_every_entry_is_drawn(pairs: list[tuple[float, What]]) -> None:
    entries = [
        Entry(at, what, "CLOSED" if what is What.STATE else f"text{i}end", "a")
        for i, (at, what) in enumerate(pairs)
    ]
    drawn = ladder(replace(samples.passed(), entries=entries, events=[]))
    told = [entry.text for entry in entries if entry.what is not What.STATE]
    assert all(text in drawn for text in told)
    assert drawn.count("CLOSED") == len(entries) - len(told)


def test_options_are_torn_only_where_they_find_no_room() -> None:
    assert pieces("ACK <mss 1, x>", 12) == ["ACK", "  <mss 1, x>"]
    assert pieces("ACK <mss 1, x>", 11) == ["ACK <mss 1,", "  x>"]
