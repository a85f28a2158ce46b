"""What an application reads, with urgent octets in the stream: what is right, what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import Hand
from test_steps_call import held, returns

from conformance.play.reading import Mark, ReadPlaces, Stream
from conformance.tcp.stream import octets


def stream(text: bytes, *marks: tuple[int, int]) -> Stream:
    """The stream of this text; each mark is a segment's relative SEQ and its pointer."""
    found = Stream()
    found.write(0, text)
    found.marks += [Mark.of(seq, pointer) for seq, pointer in marks]
    return found


ONE = ((1, 3),)  # "c" of "abcdef", or "d" where the pointer is read as RFC 1122 had it
TWO = ((1, 3), (7, 2))  # and "h" of "ghi", or "i"
AHEAD = ((1, 9),)  # an octet that comes with a later segment


@pytest.mark.parametrize(
    ("marks", "reads", "right"),
    [
        ((), "ab cdef", True),
        ((), "ab def", False),
        (ONE, "ab def ghi", True),
        (ONE, "abcdef ghi", True),  # no octet is out of band here
        (ONE, "abdef", True),
        (ONE, "abc ef", True),  # RFC 1122
        (ONE, "abef", False),  # one octet, read either way, is not two
        (ONE, "ab d f", False),
        (ONE, "b", False),
        (ONE, "ab c d ef ghi", True),
        (ONE, "ab xdef", False),
        (TWO, "abdefg i", True),
        (TWO, "abcdefg i", True),  # the older octet has fallen back into the stream
        (TWO, "abcdefghi", True),
        (TWO, "abcefgh", True),
        (TWO, "abdefgh j", False),  # each pointer another way
        (AHEAD, "abcdefgh j", True),
        (AHEAD, "abcdefgh k", False),
        (((7, 0),), "abcde g", True),  # the octet before the segment
        (((7, 0),), "abcdef h", True),  # its first
        (((1, 65535),), "abcdef", True),
        (((1, 0),), "abc", True),
    ],
)
def test_what_may_be_read(marks: tuple[tuple[int, int], ...], reads: str, right: bool) -> None:
    octets, reader = stream(b"abcdefghijklm", *marks), ReadPlaces()
    assert all(reader.read(octets, one.encode()) is None for one in reads.split()) is right


def test_looks_go_on_where_the_last_one_ended() -> None:
    text, reader = stream(b"abcdefghijklm"), ReadPlaces()
    assert reader.peek(text, b"abc") is None
    reader.peeks_go_on(0)
    assert reader.peek(text, b"abc") is None
    assert reader.peek(text, b"abc") is not None
    assert reader.peek(text, b"def") is None
    assert reader.read(text, b"ab") is None  # what was looked at stands where it was
    assert reader.peek(text, b"gh") is None
    assert reader.read(text, b"cdefghij") is None  # beyond it
    assert reader.peek(text, b"k") is None
    reader.peeks_go_on(1)
    assert reader.peek(text, b"l") is None
    reader.peeks_go_on(-1)
    assert reader.peek(text, b"kl") is None


def test_a_stream_begins_anew() -> None:
    old, new, reader = stream(b"abcdef", (0, 2)), stream(b"ghijkl", (0, 2)), ReadPlaces()
    assert reader.read(old, b"ac") is None
    reader.in_line(old, on=True)
    reader.peeks_go_on(2)
    reader.begin()
    assert reader.peek(new, b"gh") is None
    assert reader.peek(new, b"gh") is None  # SO_PEEK_OFF went with the old one
    assert reader.read(new, b"hi") is not None
    assert reader.read(new, b"gi") is not None  # SO_OOBINLINE has not
    assert reader.read(new, b"ghi") is None


def test_a_text_that_a_case_wrote_stands_between_octets_of_the_rule() -> None:
    found = Stream()
    found.write(5, b"ab")
    assert found.octets(4, 6) == octets(4, 1) + b"ab" + octets(7, 3)
    assert found.octets(6, 2) == b"b" + octets(7, 1)


def test_octets_that_are_alike_leave_both_places_open() -> None:
    octets = stream(b"aaaab", (1, 2))
    for reads in ("aaaab", "aaab"):
        assert ReadPlaces().read(octets, reads.encode()) is None
    assert ReadPlaces().read(octets, b"aab") is not None


def test_a_pointer_on_a_syn_counts_from_its_text_or_from_the_syn() -> None:
    octets = Stream()
    octets.write(0, b"abcd")
    octets.marks.append(Mark.of(0, 2, syn=True))
    assert ReadPlaces().read(octets, b"acd") is None
    assert ReadPlaces().read(octets, b"bcd") is None
    assert ReadPlaces().read(octets, b"abc") is None
    assert ReadPlaces().read(octets, b"d") is not None


@pytest.mark.parametrize(
    ("settings", "right"),
    [
        ("", True),
        ("on", False),
        ("on on", False),
        ("on off", True),
        ("URG on", True),  # it was taken apart before
        ("on URG", False),
        ("on off URG", True),
        ("on URG off", True),
    ],
)
def test_in_line_from_when_it_was_asked_for(settings: str, right: bool) -> None:
    octets, reader = stream(b"abcdef"), ReadPlaces()
    for word in settings.split():
        if word == "URG":
            octets.marks.append(Mark.of(1, 3))
        else:
            reader.in_line(octets, on=word == "on")
    if not octets.marks:
        octets.marks.append(Mark.of(1, 3))
    assert (reader.read(octets, b"abdef") is None) is right
    if not right:
        assert reader.read(octets, b"abcdef") is None


def test_where_it_went_wrong() -> None:
    wrong = ReadPlaces().read(stream(b"abcdef", *ONE), b"abdxf")
    assert wrong is not None
    assert (wrong.offset, wrong.right, wrong.read) == (4, b"ef", b"xf")


@pytest.mark.parametrize(
    ("text", "right"), [("c", True), ("d", True), ("bc", True), ("b", False), ("xc", False)]
)
def test_an_octet_out_of_band_is_one_that_a_pointer_named(text: str, right: bool) -> None:
    assert stream(b"abcdef", *ONE).urgent(text.encode()) is right
    assert not stream(b"abcdef").urgent(text.encode())


# ---- in a case -----------------------------------------------------------------------------------

SENT = """
- send: PSH,ACK,URG seq=1 urg=3 data="abcdef"
"""
LOST = """
- drop: PSH,ACK,URG seq=1 urg=3 data="abcdef"
  from: tester
"""
BAD = """
- send: {flags: "ACK,URG", urg: 3, data: abcdef, checksum: bad}
"""


def accepted(root: Path, steps: str, *calls: str) -> Hand:
    """After these steps and calls, the first of which is answered by the test."""
    opened = "- call: listen() = l\n- call: accept(l) = c\n"
    hand = held(root, opened + steps + "".join(f"- call: {one}\n" for one in calls), given="open")
    hand.open()
    returns(hand, 11)
    returns(hand, 12)
    return hand


def test_the_stream_goes_on_behind_the_urgent_octet(tmp_path: Path) -> None:
    calls = ("recv(c, 1, OOB) = 1", "recv(c, 2) = 2", "recv(c, 3) = 3")
    hand = accepted(tmp_path, SENT, *calls)
    for text in (b"c", b"ab", b"def"):
        returns(hand, len(text), data=text)
    hand.passes()


@pytest.mark.parametrize(
    ("sent", "text"),
    [(SENT, b"a"), (SENT.replace(",URG", ""), b"c"), (LOST, b"c"), (BAD, b"c")],
)
def test_an_urgent_octet_that_no_pointer_named(tmp_path: Path, sent: str, text: bytes) -> None:
    hand = accepted(tmp_path, sent, "recv(c, 1, OOB) = 1")
    returns(hand, 1, data=text)
    hand.fails("the application read an urgent octet that none of the pointers named")


@pytest.mark.parametrize(("errno", "in_line"), [("", True), ("EINVAL", False)])
def test_an_option_that_was_refused_sets_nothing(tmp_path: Path, errno: str, in_line: bool) -> None:
    result = f" = {errno}" if errno else ""
    steps = f"- call: setsockopt(c, OOBINLINE, 1){result}{SENT}"
    hand = accepted(tmp_path, steps, "recv(c, 5) = 5")
    returns(hand, errno=errno)
    returns(hand, 5, data=b"abdef")
    if in_line:
        hand.fails("the application read other octets, from octet 3 on")
    else:
        hand.passes()


@pytest.mark.parametrize(
    ("option", "goes_on"), [("PEEK_OFF, 0", True), ("PEEK_OFF, -1", False), ("MD5SIG, x", False)]
)
@pytest.mark.parametrize("second", [b"ab", b"cd"])
def test_a_second_look_is_held_to_what_the_option_says(
    tmp_path: Path, option: str, goes_on: bool, second: bytes
) -> None:
    look, steps = "recv(c, 2, PEEK) = 2", f"- call: setsockopt(c, {option}){SENT}"
    hand = accepted(tmp_path, steps.replace(",URG", "").replace(" urg=3", ""), look, look)
    returns(hand)
    returns(hand, 2, data=b"ab")
    returns(hand, 2, data=second)
    if goes_on is (second == b"cd"):
        hand.passes()
    else:
        place = 3 if goes_on else 1
        hand.fails(f"the application read other octets, from octet {place} on")
