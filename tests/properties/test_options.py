"""Every family of options: octets, text, a record and the schema say one thing, both ways."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from option_samples import options_of

from conformance.case.schema import schema
from conformance.notation.options import OptionsText, OptionText
from conformance.notation.printer import print_options
from conformance.notation.scanner import NotationError
from conformance.notation.segment import SegmentText, parse_segment
from conformance.play.craft import build
from conformance.play.describe import options_text
from conformance.play.match import Arrival, Sighting, differences
from conformance.play.view import Connection, Numbers
from conformance.report import json_codec
from conformance.tcp import options as tcp
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment
from conformance.tcp.seq import MODULUS

WRITTEN = [family.name for family in tcp.FAMILIES if family.text is not None]
EVERY = [family.name for family in tcp.FAMILIES]
NUMBERS = st.builds(Numbers, st.integers(0, MODULUS - 1), st.integers(0, MODULUS - 1))
OPTIONS = Draft202012Validator(schema()["$defs"]["segment"]["anyOf"][1]["properties"]["options"])
every_family = pytest.mark.parametrize("name", EVERY)
every_text = pytest.mark.parametrize("name", WRITTEN)


def nowhere(name: str) -> int:
    raise KeyError(name)


def parsed(text: OptionsText) -> OptionsText:
    options = parse_segment(f"ACK {print_options(text)}").options
    assert options is not None
    return options


# ---- by example: the two ways of a round trip may err alike -----------------------------------


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("020405b4", "<mss 1460>"),
        ("030307", "<wscale 7>"),
        ("0402", "<sackOK>"),
        ("050a000003e9000003f3", "<sack 1:11>"),
        ("0512000003e9000003f3000003fd00000407", "<sack 1:11 21:31>"),
        ("080a0000000700000009", "<TS 7/9>"),
        ("01", "<nop>"),
        ("00", "<eol>"),
        ("ac0b000001000002ffffff", "<accecn0 1 2 16777215>"),
        ("ac08000001000002", "<accecn0 1 2>"),
        ("ac02", "<accecn0>"),
        ("ae05000003", "<accecn1 3>"),
        ("ae04abcd", "<kind 174 0xabcd>"),
        ("2202", "<fastopen>"),
        ("22060a0b0c0d", "<fastopen 0x0a0b0c0d>"),
        ("22050a0b0c", "<kind 34 0x0a0b0c>"),
        ("fe04abcd", "<kind 254 0xabcd>"),
    ],
)
def test_octets_have_this_text(octets: str, text: str) -> None:
    """The target's SYN had 1000: an edge is told from there."""
    numbers, (option,) = Numbers(5000, 1000), tcp.decode(bytes.fromhex(octets))
    assert print_options(options_text((option,), numbers.of_target)) == text
    segment = build(parse_segment(f"ACK {text}"), conn(numbers), nowhere, 0.0)
    assert segment.options[0].encode().hex() == octets


# ---- round trips -----------------------------------------------------------------------------


@every_family
@given(data=st.data())
def test_octets_are_read_as_what_wrote_them(name: str, data: st.DataObject) -> None:
    family = tcp.named(name)
    option = data.draw(options_of(family))
    octets = option.encode()
    assert tcp.decode(octets) == (option,)
    assert tcp.family(option) is family
    assert octets[0] == option.kind
    assert family.kind in (None, option.kind)


@every_family
@given(body=st.binary(max_size=38))
def test_no_octet_of_a_strange_length_is_lost(name: str, body: bytes) -> None:
    kind = tcp.named(name).kind
    if kind is not None and kind > 1:
        assert tcp.read(kind, body).encode() == bytes((kind, len(body) + 2)) + body


@every_text
@given(numbers=NUMBERS, data=st.data())
def test_octets_come_back_from_their_text(name: str, numbers: Numbers, data: st.DataObject) -> None:
    option = data.draw(options_of(tcp.named(name)))
    text = options_text((option,), numbers.of_target)
    assert [one.name for one in text.options] == [name]
    assert parsed(text) == text
    segment = build(SegmentText(Flags.ACK, options=parsed(text)), conn(numbers), nowhere, 0.0)
    assert tcp.encode(segment.options) == tcp.encode((option,))
    assert text.options[0].size == len(segment.options[0].encode())


@every_text
@given(numbers=NUMBERS, data=st.data())
def test_a_text_matches_its_option_and_no_other(
    name: str, numbers: Numbers, data: st.DataObject
) -> None:
    family = tcp.named(name)
    option, other = data.draw(options_of(family)), data.draw(options_of(family))
    text = parsed(options_text((option,), numbers.of_tester))
    assert sees(text, option, numbers) == []
    alike = options_text((option,), int) == options_text((other,), int)
    assert sees(text, other, numbers) == ([] if alike else ["options"])


@every_family
@given(data=st.data())
def test_an_option_by_its_number_is_what_its_octets_say(name: str, data: st.DataObject) -> None:
    """``kind 2 0x05b4`` is an MSS to whoever sends it, and to whoever waits for it."""
    option = data.draw(options_of(tcp.named(name)))
    octets, numbers = option.encode(), Numbers(7, 9)
    if option.kind < 2 or isinstance(option, tcp.Malformed):
        return  # no length follows such a kind, or none that is right
    written = f"ACK <kind {option.kind} 0x{octets[2:].hex()}>".replace(" 0x>", ">")
    text = parse_segment(written)
    assert build(text, conn(numbers), nowhere, 0.0).options == (option,)
    assert text.options is not None
    assert sees(text.options, option, numbers) == []


@every_family
@given(data=st.data())
def test_a_record_gives_an_option_back(name: str, data: st.DataObject) -> None:
    option = data.draw(options_of(tcp.named(name)))
    segment = Segment(1, 2, Flags.ACK, 7, options=(option,))
    line = json.dumps(json_codec.write(segment))
    assert json.loads(line)["options"][0][0] == name
    assert json_codec.read(Segment, json.loads(line)) == segment


# ---- the schema and the parser ---------------------------------------------------------------


@given(st.lists(st.sampled_from([family for family in tcp.FAMILIES if family.text])), st.data())
def test_the_schema_takes_what_is_printed(
    families: list[tcp.OptionFamily], data: st.DataObject
) -> None:
    options = tuple(data.draw(options_of(family)) for family in families)
    text = options_text(options, int)
    for more in (False, True):
        assert OPTIONS.is_valid(print_options(OptionsText(text.options, more)))


PIECES = st.sampled_from(
    [
        *WRITTEN,
        "accecn",
        "...",
        ",",
        ",",
        "/",
        ":",
        "*",
        "1",
        "SND.NXT",
        "+",
        "-",
        "0x02",
        " ",
        "$n",
    ]
)


@given(st.lists(PIECES, max_size=9).map("".join))
def test_the_schema_takes_what_the_parser_takes(inner: str) -> None:
    text = f"<{inner}>"
    try:
        parse_segment(f"ACK {text}", {"n": "mss 7"})
    except NotationError:
        return
    assert OPTIONS.is_valid(text)


@pytest.mark.parametrize(
    "text",
    ["mss 1460", "<mss>", "<msss 1>", "<accecn 1 2 3>", "<TS 1>", "<sack 1>", "<nop 1>", "<nop,>",
     "<..., nop>", "<mss 1", "<malformed 0x00>"],
)  # fmt: skip
def test_the_schema_refuses_what_no_family_is(text: str) -> None:
    assert not OPTIONS.is_valid(text)
    with pytest.raises(NotationError):
        parse_segment(f"ACK {text}")


# ---- the registry ----------------------------------------------------------------------------


@pytest.mark.parametrize("part", [lambda row: row.name, lambda row: row.option])
def test_no_two_families_are_alike(part: Callable[[tcp.OptionFamily], object]) -> None:
    assert len({part(family) for family in tcp.FAMILIES}) == len(tcp.FAMILIES)
    kinds = [family.kind for family in tcp.FAMILIES if family.kind is not None]
    assert len(set(kinds)) == len(kinds)


@every_family
def test_a_row_is_whole(name: str) -> None:
    family = tcp.named(name)
    text = family.text or tcp.Text()
    for number in text.numbers:
        assert not (number.field and (number.sequence or text.repeats)), "it has no one value"
    assert bool(text.sides) == bool(text.mark), "a mark that is missing could not be told"
    assert not text.literal or len(text.numbers) == 1
    assert family.padding == (family.kind in (0, 1))
    assert all(each.type for each in fields(family.option))  # type: ignore[arg-type]


@every_text
def test_the_language_tells_of_every_option(name: str) -> None:
    """A new option has its place in ``cases/README.md``, where its users look for it."""
    readme = (Path(__file__).parents[2] / "cases" / "README.md").read_text(encoding="utf-8")
    (told,) = (part for part in readme.split("\n- ") if part.startswith("Options:"))
    assert f"`{name}" in told


# ---- what is not known is an error -----------------------------------------------------------


@dataclass(frozen=True)
class Stray:
    """An option that no row has."""

    kind: int = 172

    def encode(self) -> bytes:
        return b"\xac\x02"


def test_what_no_family_has_is_an_error_and_no_nop() -> None:
    stray = OptionsText((OptionText("accecn"),))
    with pytest.raises(LookupError, match="no option has the name accecn"):
        build(SegmentText(Flags.ACK, options=stray), conn(Numbers(1, 2)), nowhere, 0.0)
    with pytest.raises(LookupError, match="no option has the name accecn"):
        print_options(stray)
    with pytest.raises(LookupError, match="Stray is an option of no family"):
        options_text((Stray(),), int)
    with pytest.raises(LookupError, match="Stray is an option of no family"):
        json_codec.write(Segment(1, 2, Flags.ACK, 7, options=(Stray(),)))
    with pytest.raises(json_codec.Misfit, match="accecn is no option"):
        json_codec.read(Segment, {"sport": 1, "dport": 2, "flags": 16, "seq": 1,
                               "options": [["accecn"]]})  # fmt: skip


def conn(numbers: Numbers) -> Connection:
    return Connection("a", 40000, 4000, numbers)


def sees(text: OptionsText, option: tcp.Option, numbers: Numbers) -> list[str]:
    segment = Segment(1, 2, Flags.ACK, 7, options=(option,))
    arrival = Arrival(0.0, Sighting(segment, numbers), "a")
    wanted = SegmentText(Flags.ACK, fields={}, options=text)
    found = differences(wanted, arrival, conn(numbers).lookup)
    return [one.field for one in found if one.field == "options"]
