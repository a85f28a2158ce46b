"""The notation by example: its spelling, its meaning, and where its flaws are found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.notation.call import parse_call
from conformance.notation.expr import parse_value
from conformance.notation.printer import (
    print_bounds,
    print_call,
    print_duration,
    print_ratio,
    print_segment,
    print_value,
)
from conformance.notation.scanner import NotationError, suggest
from conformance.notation.segment import SegmentText, parse_flags, parse_segment
from conformance.notation.time import parse_bounds, parse_duration, parse_ratio
from conformance.tcp.flags import NONE, Flags

READ: dict[str, tuple[Callable[..., Any], Callable[[Any], str]]] = {
    "segment": (parse_segment, print_segment),
    "call": (parse_call, print_call),
    "value": (parse_value, print_value),
    "duration": (parse_duration, print_duration),
    "bounds": (parse_bounds, print_bounds),
    "ratio": (parse_ratio, print_ratio),
}


@pytest.mark.parametrize(
    ("kind", "text", "spelling"),
    [
        ("segment", "ACK,FIN ack=1  seq=1", "FIN,ACK seq=1 ack=1"),
        ("segment", "=ACK,PSH", "=PSH,ACK"),
        ("segment", "none", "none"),
        ("segment", "ACK | ACK,RST win=7 | 9..11", "ACK|RST,ACK win=7|9..11"),
        ("segment", "=ACK|ACK,ECE? ack=1", "=ACK|ACK,ECE? ack=1"),
        ("segment", "SYN <mss 536|1460>", "SYN <mss 536|1460>"),
        ("segment", "ACK <sack 5:9|11>", "ACK <sack 5:9|11>"),
        ("value", "1 | SND.NXT | 5 .. 7", "1|SND.NXT|5..7"),
        ("bounds", "at  once", "at once"),
        ("segment", "SYN<mss 1460,...>", "SYN <mss 1460, ...>"),
        ("segment", "ACK <sack 1:101 -5:7 *:RCV.NXT+1>", "ACK <sack 1:101 -5:7 *:RCV.NXT+1>"),
        ("segment", "ACK <kind 254 0x0aFF, kind 253>", "ACK <kind 254 0x0aff, kind 253>"),
        ("segment", "ACK <>", "ACK <>"),
        ("segment", "ACK,SYN,ECE ? <sackOK ?,wscale *?>", "SYN,ACK,ECE? <sackOK?, wscale *?>"),
        ("segment", "ACK data=0x6869 len=2", 'ACK len=2 data="hi"'),
        ("segment", 'ACK data=""', 'ACK data=""'),
        ("segment", f"ACK data=0x{'00' * 40}", f"ACK data=0x{'00' * 40}"),
        ("value", "SND.NXT - 0x10 .. first.end+2", "SND.NXT-16..first.end+2"),
        ("value", "-1", "-1"),
        ("value", "$n+1", "$n+1"),
        ("call", "accept( l )=c", "accept(l) = c"),
        ("call", 'send(c,"a\\u0062",OOB)=1..2', 'send(c, "ab", OOB) = 1..2'),
        ("call", "connect()=ECONNREFUSED", "connect() = ECONNREFUSED"),
        ("duration", "2MSL + 0.50s", "2MSL+0.5s"),
        ("bounds", "200ms .. 3s", "200ms..3s"),
        ("ratio", "1.70 .. 2", "1.7..2"),
    ],
)
def test_there_is_one_spelling(kind: str, text: str, spelling: str) -> None:
    read, show = READ[kind]
    assert show(read(text)) == spelling
    assert read(spelling) == read(text)


@pytest.mark.parametrize(
    ("kind", "text", "offset", "length", "message"),
    [
        ("segment", "FNI,ACK seq=1", 0, 3, "unknown flag FNI"),
        ("segment", "", 0, 1, "flags (such as SYN or FIN,ACK) expected"),
        ("segment", "seq=1", 0, 3, "a segment begins with its flags"),
        ("segment", "none,ACK", 0, 4, "none stands alone, without a flag"),
        ("segment", "ACK,none", 4, 4, "none stands alone, without a flag"),
        ("segment", "ACK seq=1 seq=2", 10, 3, "seq is written twice"),
        ("segment", "ACK seq=5..1", 8, 1, "this range is empty: it ends before it begins"),
        ("segment", "ACK seq=first.sqe", 8, 9, "unknown name first.sqe"),
        ("segment", "ACK @", 4, 1, "'@' means nothing here"),
        (
            "segment",
            "ACK data=0x123",
            9,
            5,
            "octets expected, as 0x and pairs of hexadecimal digits",
        ),
        ("segment", "ACK seq=" + "9" * 25, 8, 25, "this number is too long"),
        ("segment", "ACK" + ",ACK" * 5000, 0, 20003, "this text is too long"),
        ("call", "close(c", 7, 1, "',' expected or ')' after an argument"),
        ("call", "close() = ", 10, 1, "a whole number expected"),
        ("duration", "10", 0, 2, "10 has no unit"),
        ("duration", "1parsec", 1, 6, "unknown unit parsec"),
        ("duration", "99999h", 0, 5, "99999h is too long"),
        ("bounds", "3s..1s", 6, 1, "these bounds are empty: they end before they begin"),
        ("ratio", "2", 1, 1, "'..' expected between two ratios"),
    ],
)
def test_a_flaw_has_its_place(kind: str, text: str, offset: int, length: int, message: str) -> None:
    with pytest.raises(NotationError) as caught:
        READ[kind][0](text)
    flaw = caught.value.flaws[0]
    assert (flaw.offset, flaw.length, flaw.message) == (offset, length, message)


def test_every_flaw_of_a_line_is_found() -> None:
    with pytest.raises(NotationError) as caught:
        parse_segment("FNI,AKC sqe=1 seq=1 seq=2")
    assert [flaw.message for flaw in caught.value.flaws] == [
        "unknown flag FNI",
        "unknown flag AKC",
        "unknown field sqe",
        "seq is written twice",
    ]


def test_a_parameter_is_replaced_where_it_stands() -> None:
    params = {"flags": "FIN,ACK", "n": "10", "neg": "-1"}
    assert parse_segment("$flags seq=$n+$n", params) == parse_segment("FIN,ACK seq=10+10")
    assert parse_segment("ACK seq=$neg", params) == parse_segment("ACK seq=-1")


@pytest.mark.parametrize(
    ("params", "message", "hint"),
    [
        ({}, "unknown parameter $n", "the case has no parameters"),
        ({"m": "1"}, "unknown parameter $n", "one of m"),
        ({"n": "@"}, "in $n = @: '@' means nothing here", ""),
        ({"n": "foo"}, "unknown name foo", "one of "),
    ],
)
def test_a_flaw_in_a_parameter_is_shown_where_it_is_used(
    params: dict[str, str], message: str, hint: str
) -> None:
    with pytest.raises(NotationError) as caught:
        parse_segment("ACK seq=$n", params)
    flaw = caught.value.flaws[0]
    assert (flaw.offset, flaw.length, flaw.message) == (8, 2, message)
    assert flaw.hint.startswith(hint)


def test_no_flags_are_not_an_exact_nothing() -> None:
    assert parse_flags("none") == [(NONE, False, NONE)]
    assert parse_flags("=none") == [(NONE, True, NONE)]
    assert parse_flags("=AE,CWR,ECE") == [(Flags.AE | Flags.CWR | Flags.ECE, True, NONE)]


def test_a_long_form_has_no_line() -> None:
    with pytest.raises(ValueError, match="no line form"):
        print_segment(SegmentText(checksum="bad"))


def test_names_of_the_profile_count_in_durations() -> None:
    units = {"MSL": 30.0, "RTO": 1.0}
    assert parse_duration("2MSL+500ms").seconds(units.__getitem__) == 60.5
    bounds = parse_bounds("1RTO..2MSL")
    assert bounds.high.seconds(units.__getitem__) == 60


def test_values_are_computed_from_names() -> None:
    value = parse_value("SND.NXT+first.len-1")
    known = {"SND.NXT": 100, "first.len": 10}
    assert value.low.value(known.__getitem__) == 109  # type: ignore[union-attr]
    with pytest.raises(KeyError):
        parse_value("$n").low.value(known.__getitem__)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("word", "hint"),
    [("fin", "did you mean FIN?"), ("FNI", "did you mean FIN?"), ("XYZ", "one of FIN, SYN")],
)
def test_a_suggestion_is_close_or_lists_the_few(word: str, hint: str) -> None:
    assert suggest(word, ("FIN", "SYN")) == hint
    assert suggest("XYZ", [str(i) for i in range(17)]) == ""


def test_a_ratio_has_no_octets() -> None:
    with pytest.raises(NotationError, match="a number expected"):
        parse_ratio("0x10..2")
