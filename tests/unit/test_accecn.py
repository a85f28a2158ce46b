"""Accurate ECN (RFC 9768) in the notation: the three bits as a number, the two options."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import ISS, Hand, write_case

from conformance.notation.printer import print_segment
from conformance.notation.segment import parse_segment
from conformance.play.craft import build
from conformance.play.match import Arrival, Sighting, differences
from conformance.play.view import Connection, Numbers
from conformance.report.ladder import ladder
from conformance.tcp.flags import ACE, Flags, ace, of_ace
from conformance.tcp.options import AccEcn0, AccEcn1, quoted
from conformance.tcp.segment import Segment

NUMBERS = Numbers(7, ISS)


def conn() -> Connection:
    return Connection("a", 40000, 4000, NUMBERS)


def sent(text: str, **names: int) -> Segment:
    lookup = {name.replace("_", "."): value for name, value in names.items()}
    return build(parse_segment(text), conn(), lookup.__getitem__, 0.0)


def differs(text: str, flags: Flags, **names: int) -> list[str]:
    arrival = Arrival(0.0, Sighting(Segment(1, 2, flags, ISS, 7), NUMBERS), "a")
    lookup = {"SND.NXT": 0, "RCV.NXT": 0, **{n.replace("_", "."): v for n, v in names.items()}}
    found = differences(parse_segment(text), arrival, lookup.__getitem__)
    return [f"{one.field} {one.expected} {one.actual}" for one in found]


@pytest.mark.parametrize("number", range(8))
def test_the_bits_are_a_number_and_back(number: int) -> None:
    flags = of_ace(number)
    assert (ace(flags), ace(flags | Flags.ACK | Flags.URG)) == (number, number)
    assert ace(~ACE & Flags(0x1FF)) == 0
    shown = [flag for flag in (Flags.AE, Flags.CWR, Flags.ECE) if flag in flags]
    assert [flag in shown for flag in (Flags.AE, Flags.CWR, Flags.ECE)] == [
        bit == "1" for bit in f"{number:03b}"
    ]


def test_a_number_is_sent_as_its_bits() -> None:
    assert sent("ACK seq=1 ace=5").flags == Flags.ACK | Flags.AE | Flags.ECE
    assert sent("ACK seq=1").flags == Flags.ACK


def test_a_counter_that_is_computed_wraps() -> None:
    assert sent("ACK seq=1 ace=first.ace+2", first_ace=7).flags == Flags.ACK | Flags.ECE
    assert differs("ACK ace=first.ace+2", Flags.ACK | Flags.ECE, first_ace=7) == []
    assert differs("ACK ace=first.ace..first.ace+2", Flags.ACK, first_ace=6) == []
    assert differs("ACK ace=first.ace..first.ace+1", Flags.ACK, first_ace=6) == [
        "ace 6..7 (first.ace..first.ace+1) 0"
    ]


def test_it_is_expected_instead_of_its_flags() -> None:
    five = Flags.ACK | Flags.AE | Flags.ECE
    assert differs("ACK ace=5", five) == []
    assert differs("=ACK ace=4..6", five) == []
    assert differs("ACK ace=*", five) == []
    assert differs("ACK ace=2", five) == ["ace 2 5"]
    assert differs("ACK", five) == ["flags ACK ACK,ECE,AE"]
    assert differs("ACK,FIN ace=5", five) == ["flags FIN,ACK ACK"]


def test_a_counter_has_its_name_in_either_option() -> None:
    zero, one = AccEcn0((1, 2, 3)), AccEcn1((3, 2))
    assert [quoted([zero], name) for name in ("EE0B", "ECEB", "EE1B")] == [1, 2, 3]
    assert [quoted([one], name) for name in ("EE1B", "ECEB")] == [3, 2]
    with pytest.raises(KeyError, match="EE0B"):
        quoted([one], "EE0B")
    assert quoted([AccEcn0(), zero], "ECEB") == 2


@pytest.mark.parametrize(
    "text",
    ["ACK seq=1 ack=1 ace=5", "ACK ace=first.ace+1 <accecn0 first.EE0B+10 * 0..3>",
     "SYN,ACK,CWR,AE? seq=0 <accecn0>", "ACK <accecn1 3?, accecn0 1 2, ...>"],
)  # fmt: skip
def test_what_is_printed_is_read(text: str) -> None:
    assert print_segment(parse_segment(text)) == text


CASE = """\
- send:   SYN,AE,CWR,ECE seq=0
- expect: SYN,ACK,CWR seq=0 ack=1 <...>
- send:   ACK seq=1 ack=1 ace=2
- expect: ACK seq=1 ack=1 ace=5 <...>
"""


def test_the_ladder_shows_the_number_where_a_step_wrote_it(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, CASE, given=""))
    hand.come("SYN,ACK,CWR seq=0 ack=1")
    hand.come("ACK,AE,ECE seq=1 ack=1 <accecn1 1 0>")
    hand.passes()
    drawn = ladder(hand.talk.record)
    assert "--> SYN,ECE,CWR,AE seq=0" in drawn
    assert "--> ACK seq=1 ack=1 ace=2" in drawn
    assert "ACK seq=1 ack=1 ace=5 <accecn1 1 0> <--" in drawn
