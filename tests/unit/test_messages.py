"""Control messages: what a case wants of them, held to what came."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import Hand, write_case

from conformance.case.messages import hold, told
from conformance.notation.call import Received, parse_call
from conformance.play import actions, events
from conformance.tcp.stream import octets

CASE = """\
- call:   listen() = l
- send:   SYN seq=0
- expect: SYN,ACK seq=0 ack=1
- send:   ACK seq=1 ack=1
- call:   accept(l) = c
- send:   ACK seq=1 ack=1 len=10
- call:   recvmsg(c, 5) = 5 <inq 5>
"""


def received(text: str) -> Received:
    found = parse_call(f"recvmsg(c) = {text}").result
    assert isinstance(found, Received)
    return found


@pytest.mark.parametrize(
    ("wanted", "came", "holds"),
    [
        ("5 <>", "", True),
        ("5 <>", "inq=5", False),
        ("5 <...>", "inq=5", True),
        ("5 <inq 5>", "inq=5", True),
        ("5 <inq 5>", "inq=6", False),
        ("5 <inq 4..6>", "inq=6", True),
        ("5 <inq>", "inq=6", True),
        ("5 <inq>", "", False),
        ("5 <inq 5>", "inq=5 stamped", False),
        ("5 <stamped, inq 5>", "inq=5 stamped", True),
        ("0 <completed 0, completed 1>", "completed=0 completed=1 copied", False),
        ("0 <completed 0, completed 1, ...>", "completed=0 completed=1 copied", True),
        ("0 <completed 0, completed 0>", "completed=0 completed=1", False),
    ],
)
def test_what_came_is_what_was_wanted(wanted: str, came: str, holds: bool) -> None:
    assert hold(received(wanted), told(came)) is holds


def reads(tmp_path: Path, data: bytes, text: str) -> Hand:
    """A conversation up to the return of its recvmsg."""
    hand = Hand(write_case(tmp_path, CASE, given=""), hold=["MakeCall"])
    for value in (11, 12):
        returns(hand, value)
        if value == 11:
            hand.come("SYN,ACK seq=0 ack=1")
    returns(hand, len(data), data, text)
    return hand


def returns(hand: Hand, value: int, data: bytes = b"", text: str = "") -> None:
    number = hand.last(actions.MakeCall).number
    hand.feed(events.CallReturned(hand.now, number, hand.now, value, "", data, text))


def test_octets_with_messages_are_held_to_what_was_sent(tmp_path: Path) -> None:
    hand = reads(tmp_path, octets(0, 5), "inq=5")
    hand.passes()
    assert hand.talk.record.entries[-1].text == "recvmsg(c, 5) = 5 <inq 5>"
    told = "the application read other octets, from octet 1 on"
    reads(tmp_path, octets(1, 5), "inq=5").fails(told)


def test_a_failure_shows_the_messages_that_came(tmp_path: Path) -> None:
    failure = reads(tmp_path, octets(0, 5), "inq=6").fails("recvmsg() returned 5 <inq 6>")
    assert (failure.expected, failure.actual) == (("5 <inq 5>",), "5 <inq 6>")
