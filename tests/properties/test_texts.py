"""The schema's patterns: what a parser and the tables take, they take."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_notation import SEGMENTS

from conformance.case.call_rows import CallSignature, Gives, Takes
from conformance.case.call_words import ERRNOS, PORTS
from conformance.case.calls import CALLS, problems, words_of
from conformance.case.messages import MESSAGES
from conformance.case.segments import FIELD_RANGES
from conformance.case.step import Arg
from conformance.case.texts import SEGMENT, SENT, SPAWNED, TEXTS, above
from conformance.notation.call import CallText, parse_call
from conformance.notation.printer import print_call, print_segment
from conformance.notation.scanner import NotationError


def takes(schema: dict[str, Any], text: str) -> bool:
    return any(re.search(one["pattern"], text) for one in schema["anyOf"])


NUMBERS = st.integers(0, 65535).map(str) | st.just("0x10")
COUNTS = NUMBERS | st.sampled_from(("7..9", "2 .. 3"))
NAMES = st.sampled_from(("c", "l2", "a.b", "reno", "E", "ERR"))
QUOTED = st.sampled_from(('"text"', r'"a) = \" b"', '""'))
MESSAGE = st.sampled_from(
    [f"{name} 5" if number else name for name, (_, number) in MESSAGES.items()] + ["inq", "..."]
)


def joined(words: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(words, min_size=1, max_size=3, unique=True).map("|".join)


def taken(takes: Takes, words: tuple[str, ...]) -> st.SearchStrategy[str]:
    named = st.sampled_from(words) if words else NAMES
    return {
        Takes.SOCKET: NAMES,
        Takes.INT: NUMBERS,
        Takes.PORT: NUMBERS,
        Takes.WORD: named,
        Takes.WORDS: joined(named),
        Takes.WORD_OR_INT: named | NUMBERS | st.just("-5"),
        Takes.COUNT_OR_TEXT: NUMBERS | QUOTED,
    }[takes]


def given_back(row: CallSignature) -> st.SearchStrategy[str]:
    bits = joined(st.sampled_from([*row.bits, "..."])) if row.bits else NUMBERS
    control = st.lists(MESSAGE, max_size=3).map(lambda all: f"5 <{', '.join(all)}>")
    returned = {
        Gives.SOCKET: NAMES | NUMBERS,
        Gives.NUMBER: COUNTS,
        Gives.OCTETS: COUNTS | QUOTED,
        Gives.VALUE: COUNTS | QUOTED | st.just("-1..5"),
        Gives.BITS: bits | st.just("0"),
        Gives.MESSAGE: COUNTS | control,
        Gives.PORT: COUNTS | st.sampled_from(PORTS),
    }[row.gives]
    return returned | joined(st.sampled_from(ERRNOS))


@st.composite
def written(draw: st.DrawFn, row: CallSignature) -> str:
    """A call as its row has it, in any spelling; some are wrong all the same."""
    args = [
        draw(taken(one.takes, one.words))
        for one in row.positional
        if one.required or draw(st.booleans())
    ]
    for word in (
        draw(st.lists(st.sampled_from([*row.keywords]), max_size=2)) if row.keywords else ()
    ):
        value = draw(taken(row.keywords[word], words_of(row, word)))
        args.insert(draw(st.integers(0, len(args))), f"{word}={value}")
    result = draw(st.just("") | given_back(row).map(" = {}".format))
    return f"{row.name}({draw(st.sampled_from((', ', ',', ' , '))).join(args)}){result}"


def right(text: str) -> CallText | None:
    try:
        call = parse_call(text)
    except NotationError:
        return None
    return None if problems(call) else call


@pytest.mark.parametrize("row", CALLS, ids=lambda row: row.name)
@settings(max_examples=40)
@given(data=st.data())
def test_a_call_that_the_table_takes_is_taken(row: CallSignature, data: st.DataObject) -> None:
    texts = data.draw(st.lists(written(row), min_size=4, max_size=4))
    for text in texts:
        call = right(text)
        for one in (text, print_call(call)) if call else ():
            assert takes(TEXTS[Arg.CALL], one)
            assert takes(SPAWNED, one) == (call is not None and call.result is None)


@pytest.mark.parametrize(
    "text",
    ["close()", "close(c) = d", "recv(c, 10, PEK)", "listen(80) = m", "connect(DONTWAIT) = EIO",
     "accept(l) = EFOO", "poll(c) = INN", "close(c,)", "close(c) = 0 = EPIPE", "listen(backlog=x)",
     "recv(c, 10) = 10 <inq 5>", "recvmsg(c, 10) = 10 <stamped 5>", "listed(TIME-WAIT) = 1"],
)  # fmt: skip
def test_a_call_that_no_row_has_is_not(text: str) -> None:
    assert not takes(TEXTS[Arg.CALL], text)


@given(SEGMENTS)
def test_a_segment_whose_numbers_are_in_range_is_taken(segment: Any) -> None:
    """``data=`` is not told from a number by its marks, so it is left out."""
    text = print_segment(replace(segment, data=None))
    assume("$" not in text)
    beyond = [
        name for name, (low, high) in FIELD_RANGES.items() if not _within(text, name, low, high)
    ]
    if takes(SEGMENT, text):
        return
    assert beyond or re.search(r"\b(AE|ECE|CWR)\b.*\sace=", text) or re.search(r"\.\w+\.\w", text)


def _within(text: str, name: str, low: int, high: int) -> bool:
    found = re.findall(rf"\b{name}=(\S+)", text)
    ends = [
        end for one in found for end in re.split(r"\||\.\.", one) if re.fullmatch(r"-?\d+", end)
    ]
    return all(low <= int(end) <= high for end in ends)


@given(st.integers(0, 1 << 34), st.integers(0, 1 << 34))
def test_a_number_is_above_another(most: int, number: int) -> None:
    for one in (number, most, most + 1, max(0, most - 1)):
        assert bool(re.fullmatch(above(most), str(one))) == (one > most)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("ACK seq=first.seq..first.end-1 ack=SND.NXT+1", True),
        ("ACK seq=1..b.end len=RCV.NXT+RCV.WND-first.end", True),
        ("ACK seq=first.sqe", False),
        ("ACK seq=1+first.sqe", False),
        ("ACK seq=SND.UNX", False),
        ("ACK seq=first.seq.ack", False),
        ("ACK win=65535|first.win", True),
        ("ACK win=5|70000", False),
        ("ACK win=70000-first.win", True),
        ("ACK win=-1", False),
        ('ACK data="first.sqe = x"', True),
    ],
)
def test_a_field_of_a_segment_is_told_from_what_is_none(text: str, taken: bool) -> None:
    assert takes(SEGMENT, text) == taken
    assert takes(SENT, text) == (taken and ".." not in text and "|" not in text)
