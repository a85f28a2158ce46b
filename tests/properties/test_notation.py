"""The parsers and the printer are each other's inverse; formatting a case twice changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.case.decode import Decoder, Known
from conformance.case.faults import CaseFaults, Fault, Faults
from conformance.case.fmt import format_text
from conformance.case.model import Case
from conformance.case.nodes import Mapping, Unreadable, parse
from conformance.case.spans import Span
from conformance.notation.amount import (
    Amount,
    _empty,
    parse_count,
    parse_difference,
    parse_time,
    print_amount,
)
from conformance.notation.call import (
    CallText,
    Count,
    Errno,
    Message,
    Placeholder,
    Received,
    Word,
    parse_call,
)
from conformance.notation.expr import (
    ANY,
    LABEL_FIELDS,
    TCB_NAMES,
    Choice,
    Expr,
    Name,
    Number,
    Param,
    Range,
    exactly,
    parse_value,
)
from conformance.notation.options import BAD, OptionsText, OptionText
from conformance.notation.printer import (
    print_bounds,
    print_call,
    print_duration,
    print_ratio,
    print_segment,
    print_value,
)
from conformance.notation.scanner import Flaw, NotationError
from conformance.notation.segment import FIELDS, FlagsText, SegmentText, parse_segment
from conformance.notation.time import (
    NAMED,
    UNITS,
    Bounds,
    Duration,
    Ratio,
    parse_bounds,
    parse_duration,
    parse_ratio,
)
from conformance.tcp.flags import NONE, Flags

# Names

LABELS = st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True).filter(
    lambda name: name not in ("none",)
)
TERMS = st.one_of(
    st.integers(0, 1 << 33).map(Number),
    st.sampled_from(TCB_NAMES).map(Name),
    st.builds(lambda label, field: Name(f"{label}.{field}"), LABELS, st.sampled_from(LABEL_FIELDS)),
    LABELS.map(Param),
)
EXPRS = st.lists(st.tuples(st.sampled_from((1, -1)), TERMS), min_size=1, max_size=4).map(
    lambda terms: Expr(tuple(terms))
)


def literal(expr: Expr) -> int:
    return sum(sign * term.value for sign, term in expr.terms if isinstance(term, Number))


def ordered(value: Range) -> bool:
    """A range whose ends have no names must not be empty."""
    named = value.high is None or value.low.names or value.high.names
    return bool(named) or (value.high is not None and literal(value.low) <= literal(value.high))


RANGES = st.builds(Range, EXPRS, st.one_of(st.none(), EXPRS)).filter(ordered)
VALUES = st.one_of(
    st.just(ANY),
    RANGES,
    st.lists(RANGES, min_size=2, max_size=3, unique=True).map(lambda some: Choice(tuple(some))),
)
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=4)
OPTIONS = st.one_of(
    st.builds(lambda v: OptionText("mss", (v,)), VALUES),
    st.builds(lambda v: OptionText("wscale", (v,)), VALUES),
    st.sampled_from(("sackOK", "nop", "eol")).map(OptionText),
    PAIRS.map(lambda pairs: OptionText("sack", tuple(v for pair in pairs for v in pair))),
    st.builds(lambda a, b: OptionText("TS", (a, b)), VALUES, VALUES),
    st.builds(
        lambda body: OptionText("fastopen", body=body),
        st.one_of(
            st.sampled_from((b"", bytes(4), bytes(range(16)))),
            st.sampled_from((ANY, Name("first.cookie"))),
        ),
    ),
    st.builds(
        lambda body: OptionText("md5", body=body),
        st.sampled_from((b"", bytes(16), ANY, BAD, Name("first.digest"))),
    ),
    st.builds(
        lambda a, b, body: OptionText("ao", (a, b), body),
        VALUES,
        VALUES,
        st.sampled_from((b"", bytes(12), ANY, BAD, Name("first.mac"))),
    ),
    st.builds(
        lambda kind, body: OptionText("kind", (exactly(kind),), body),
        st.integers(0, 255),
        st.binary(max_size=11),
    ),
)
OPTIONS = OPTIONS | st.builds(lambda one: replace(one, optional=True), OPTIONS)
ALL_FLAGS = st.integers(0, 0x1FF).map(Flags)


def _sound(one: SegmentText) -> SegmentText:
    """No flag is written twice, nor are the flags."""
    maybe = one.maybe & ~one.flags
    ways = dict.fromkeys(one.others)
    ways.pop(FlagsText(one.flags, one.exact, maybe), None)
    return replace(one, maybe=maybe, others=tuple(ways))


SEGMENTS = st.builds(
    SegmentText,
    flags=ALL_FLAGS,
    exact=st.booleans(),
    fields=st.dictionaries(st.sampled_from(FIELDS), VALUES),
    data=st.one_of(st.none(), st.binary(max_size=20), st.text(max_size=9).map(str.encode)),
    options=st.one_of(
        st.none(),
        st.builds(OptionsText, st.lists(OPTIONS, max_size=5).map(tuple), more=st.booleans()),
    ),
    maybe=ALL_FLAGS,
    others=st.lists(st.builds(FlagsText, ALL_FLAGS, st.booleans(), st.just(NONE)), max_size=2).map(
        tuple
    ),
).map(_sound)
COUNTS = st.one_of(st.integers(0, 2000).map(float), st.integers(0, 10**6).map(lambda n: n / 1000))
DURATIONS = st.lists(
    st.tuples(COUNTS, st.sampled_from((*UNITS, *NAMED))).filter(
        lambda term: term[0] * UNITS.get(term[1], 1.0) <= 30 * 86400
    ),
    min_size=1,
    max_size=3,
).map(lambda terms: Duration(tuple(terms)))
WORDS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
SOCKETS = WORDS.filter(lambda word: not (word.startswith("E") and word.isupper()) and word != "E")
TEXTS = st.text(max_size=12)
JOINED = st.tuples(
    st.lists(st.one_of(WORDS, LABELS.map("${}".format)), min_size=2, max_size=4).map("|".join),
    st.sampled_from(("", "|...")),
).map("".join)
INTEGERS = st.integers(-(1 << 31), 1 << 33)
ARGUMENTS = st.one_of(WORDS.map(Word), JOINED.map(Word), LABELS.map(Placeholder), INTEGERS, TEXTS)
CALL_COUNTS = st.builds(Count, st.integers(-9, 99), st.one_of(st.none(), st.integers(-9, 99)))
NUMBERS = st.builds(Count, st.integers(0, 99), st.none() | st.integers(0, 99))  # none is signed
MESSAGES = st.builds(Message, st.from_regex("[a-z]{1,8}", fullmatch=True), st.none() | NUMBERS)
RESULTS = st.one_of(
    st.none(),
    SOCKETS.filter(lambda word: word[0] != "E").map(Word),
    JOINED.map(Word),
    st.from_regex(r"([0-9]\|)?(?!ERR\Z)E[A-Z0-9]{1,8}", fullmatch=True).map(Errno),
    CALL_COUNTS,
    st.builds(Received, CALL_COUNTS, st.lists(MESSAGES, max_size=3).map(tuple), st.booleans()),
    LABELS.map(Placeholder),
    TEXTS,
)
CALLS = st.builds(
    CallText,
    WORDS,
    st.lists(st.tuples(st.one_of(st.just(""), WORDS), ARGUMENTS), max_size=4).map(tuple),
    RESULTS,
)


def amounts(values: st.SearchStrategy[Any], signed: bool = False) -> st.SearchStrategy[Amount]:
    """One value, or a range of which one end may be open."""
    found = st.tuples(st.one_of(st.none(), values), st.one_of(st.none(), values))
    return st.one_of(
        values.map(lambda value: Amount(value, value, signed)),
        found.filter(lambda ends: ends != (None, None)).map(
            lambda ends: Amount(ends[0], ends[1], signed)
        ),
    ).filter(lambda amount: not _empty(amount.low, amount.high))


KINDS: dict[str, tuple[Any, Callable[[Any], str], Callable[[str], Any]]] = {
    "segment": (SEGMENTS, print_segment, parse_segment),
    "value": (VALUES, print_value, parse_value),
    "duration": (DURATIONS, print_duration, parse_duration),
    "count": (amounts(st.integers(0, 1 << 33)), print_amount, parse_count),
    "time": (amounts(DURATIONS), print_amount, parse_time),
    "difference": (
        amounts(st.integers(-(1 << 33), 1 << 33), signed=True),
        print_amount,
        parse_difference,
    ),
    "call": (CALLS, print_call, parse_call),
    "ratio": (
        st.tuples(COUNTS, COUNTS).map(lambda pair: Ratio(*sorted(pair))),
        print_ratio,
        parse_ratio,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_what_is_printed_is_read_back(kind: str, data: st.DataObject) -> None:
    strategy, show, read = KINDS[kind]
    value = data.draw(strategy)
    text = show(value)
    assert read(text) == value
    assert show(read(text)) == text
    assert text.isprintable()


@given(DURATIONS, DURATIONS)
def test_bounds_are_read_back_unless_they_are_empty(one: Duration, other: Duration) -> None:
    for bounds in (Bounds(one), Bounds(one, other), Bounds(other, one)):
        text = print_bounds(bounds)
        message = ""
        try:
            assert parse_bounds(text) == bounds
        except NotationError as error:
            message = error.flaws[0].message
        assert not message or "empty" in message


@given(SEGMENTS, st.randoms())
def test_spaces_and_the_order_of_fields_do_not_matter(segment: SegmentText, random: Any) -> None:
    names = list(segment.fields)
    random.shuffle(names)
    mixed = replace(segment, fields={name: segment.fields[name] for name in names})
    spaced = print_segment(mixed).replace("=", " = ").replace(",", " , ")
    if segment.data is None:
        assert parse_segment(spaced) == segment


@given(st.text(alphabet='AKCSYNFI,=. <>$*+-:/0129x"seqacklwindtTmop', max_size=40))
def test_any_text_is_a_segment_or_has_flaws_in_it(text: str) -> None:
    flaws: tuple[Flaw, ...] = ()
    try:
        segment = parse_segment(text)
    except NotationError as error:
        flaws = error.flaws
    else:
        assert parse_segment(print_segment(segment)) == segment
        return
    assert flaws
    for flaw in flaws:
        assert 0 <= flaw.offset <= len(text)
        assert flaw.offset + flaw.length <= len(text) + 1
        assert flaw.message


# Files


class NoFragments:
    def fragment(self, name: str, span: Span, faults: Faults) -> Case | None:
        faults.add(span, f"unknown fragment {name}")
        return None


def decoded(text: str) -> tuple[Case, list[Fault]]:
    """The case without its places."""
    root, _ = parse("x.yaml", text)
    assert isinstance(root, Mapping)
    faults = Faults()
    blank = Case("x", "x.yaml", "", ())
    case = Decoder({"n": "1", "t": "1s"}, faults, NoFragments(), Known()).case(root, blank)
    here = Span("", 1, 1)

    def bare(steps: Any) -> Any:
        return tuple(
            replace(
                step,
                span=here,
                value=tuple(replace(b, steps=bare(b.steps)) for b in step.value)
                if step.verb == "either"
                else step.value,
            )
            for step in steps
        )

    return replace(case, span=here, steps=bare(case.steps)), list(faults.all())


COMMENTS = st.sampled_from(("", "", "", "  # c", " # a longer comment", "   #"))
BETWEEN = st.sampled_from(("", "", "", "\n", "\n\n\n", "# c\n", "      # c\n", "\n  # c\n\n"))
LINES = st.one_of(
    SEGMENTS.map(lambda s: ("expect", print_segment(s))),
    SEGMENTS.map(lambda s: ("send", print_segment(s).replace("=", " = ").replace(",", ", "))),
    CALLS.map(lambda c: ("call", print_call(c))),
    DURATIONS.map(lambda d: ("silence", print_duration(d).replace("+", " + "))),
    st.sampled_from(
        (
            ("wait", "$t"),
            ("state", "TIME-WAIT"),
            ("collect", "10"),
            ("expect", "ACK  seq=$n"),
            ("expect", "FNI"),
        )
    ),
)


def quoted(text: str, how: int) -> str:
    if how == 0:
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text)


@st.composite
def steps_texts(draw: st.DrawFn, indent: int, depth: int = 0) -> str:
    out = ""
    gap = " " * draw(st.integers(0, 3))
    for _ in range(draw(st.integers(1, 3))):
        out += draw(BETWEEN)
        dash = " " * indent + "-" + " " * draw(st.integers(1, 3))
        if depth == 0 and draw(st.integers(0, 5)) == 0:
            out += dash + "either:" + draw(COMMENTS) + "\n"
            inner = len(dash) + draw(st.integers(0, 3))
            for _ in range(2):
                out += " " * inner + "- permits: x\n" + " " * (inner + 2) + "steps:\n"
                out += draw(steps_texts(inner + 2 + draw(st.integers(0, 2)), 1))
            continue
        verb, value = draw(LINES)
        out += f"{dash}{verb}: {gap}{quoted(value, draw(st.integers(0, 1)))}{draw(COMMENTS)}\n"
        if draw(st.booleans()):
            out += draw(BETWEEN)
            out += " " * len(dash) + f"as: x{draw(COMMENTS)}\n"
    return out


@st.composite
def case_texts(draw: st.DrawFn) -> str:
    out = draw(BETWEEN)
    out += f"title:  A title{draw(COMMENTS)}\n{draw(BETWEEN)}"
    if draw(st.booleans()):
        style = draw(st.sampled_from(("|", ">", "|-", ">+", "", '"')))
        pad = " " * draw(st.integers(1, 4))
        lines = draw(st.lists(st.sampled_from(("one", "two  x", "", "it's")), max_size=4))
        body = "\n".join(pad + line if line else "" for line in ("first", *lines, "last"))
        out += f"about: {body.strip()}\n" if not style else ""
        out += f'about: "{body.strip()}"{draw(COMMENTS)}\n' if style == '"' else ""
        out += f"about: {style}\n{body}\n" if style not in ("", '"') else ""
    out += draw(BETWEEN)
    out += f"steps:{draw(COMMENTS)}\n"
    out += draw(steps_texts(draw(st.integers(0, 4))))
    return out + draw(BETWEEN)


def comments(text: str) -> list[str]:
    return [line.partition("#")[2].strip() for line in text.split("\n") if "# c" in line]


@settings(max_examples=2 * settings().max_examples)
@given(case_texts())
def test_formatting_changes_no_case_and_is_done_once(text: str) -> None:
    try:
        tidy = format_text(text)
    except CaseFaults:
        with pytest.raises(Unreadable):  # hypothesis wrote what YAML cannot hold
            parse("x.yaml", text)
        return
    assert format_text(tidy) == tidy
    assert len(comments(tidy)) == len(comments(text))
    assert "\n\n\n" not in tidy.partition("\nsteps:")[2]
    assert not any(line != line.rstrip() for line in tidy.split("\n"))
    before, wrong = decoded(text)
    after, still = decoded(tidy)
    assert after == before
    assert sorted(fault.message for fault in still) == sorted(fault.message for fault in wrong)
