"""``call``: what it invokes, what must come back, and when."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import START, Hand, write_case

from conformance.play import actions, events
from conformance.tcp.stream import octets

LISTEN = "- call: listen() = l\n"


def held(root: Path, steps: str, given: str = "") -> Hand:
    return Hand(write_case(root, steps, given=given), hold=["MakeCall"])


def returns(
    hand: Hand,
    value: int = 0,
    errno: str = "",
    data: bytes = b"",
    *,
    started: float | None = None,
    at: float | None = None,
) -> None:
    call = hand.last(actions.MakeCall)
    hand.feed(
        events.CallReturned(
            hand.now if at is None else at,
            call.number,
            hand.now if started is None else started,
            value,
            errno,
            data,
        )
    )


def waits(hand: Hand, started: float | None = None) -> None:
    """The agent says that the call has to wait."""
    at = hand.now if started is None else started
    hand.feed(events.CallPending(at, hand.last(actions.MakeCall).number))


def told(hand: Hand) -> tuple[str, dict[str, int | str]]:
    call = hand.last(actions.MakeCall)
    assert isinstance(call, actions.MakeCall)
    return call.name, dict(call.args)


def test_the_agent_is_told_handles_and_plain_values(tmp_path: Path) -> None:
    steps = """
- call: listen(backlog=3) = l
- call: accept(l) = c
- call: send(c, 10)
- call: send(c, "hi", OOB)
- call: recv(c, 7)
- call: shutdown(c, WR)
- call: connect(port=9)
- call: connect()
"""
    hand = held(tmp_path, steps)
    assert told(hand) == ("listen", {"backlog": 3, "port": 4000})
    returns(hand, 11)
    assert told(hand) == ("accept", {"socket": 11})
    returns(hand, 12)
    assert told(hand) == ("send", {"socket": 12, "count": 10})
    returns(hand, 10)
    assert told(hand) == ("send", {"socket": 12, "text": "hi", "flag": "OOB"})
    returns(hand, 2)
    assert told(hand) == ("recv", {"socket": 12, "count": 7, "all": 1})
    returns(hand, 7, data=octets(0, 7))
    assert told(hand) == ("shutdown", {"socket": 12, "how": "WR"})
    returns(hand)
    assert told(hand) == ("connect", {"port": 9})
    returns(hand, 13)
    assert told(hand) == ("connect", {"port": 40000})
    returns(hand, 14)
    hand.passes()


RESULTS = [
    # The call, what came back; what was wanted, what is shown ("" when it passes).
    ("pending(l)", (5, ""), "", ""),
    ("pending(l)", (0, "EBADF"), "success", "EBADF"),
    ("pending(l) = 5", (5, ""), "", ""),
    ("pending(l) = 5", (4, ""), "5", "4"),
    ("pending(l) = 5", (5, "EBADF"), "5", "EBADF"),
    ("pending(l) = 3..5", (3, ""), "", ""),
    ("pending(l) = 3..5", (5, ""), "", ""),
    ("pending(l) = 3..5", (6, ""), "3..5", "6"),
    ("pending(l) = 0", (1, ""), "0", "1"),
    ("accept(l) = ECONNRESET", (0, "ECONNRESET"), "", ""),
    ("accept(l) = ECONNRESET|EPIPE", (0, "EPIPE"), "", ""),
    ("accept(l) = ECONNRESET|EPIPE", (0, "EINVAL"), "ECONNRESET|EPIPE", "EINVAL"),
    ("accept(l) = ECONNRESET", (7, ""), "ECONNRESET", "7"),
    ("pending(l) = 0|EINVAL|EPIPE", (0, ""), "", ""),
    ("pending(l) = 0|EINVAL|EPIPE", (0, "EPIPE"), "", ""),
    ("pending(l) = 0|EINVAL", (1, ""), "0|EINVAL", "1"),
    ("pending(l) = 0|EINVAL", (0, "EPIPE"), "0|EINVAL", "EPIPE"),
    ("accept(l) = c", (7, ""), "", ""),
    ("accept(l) = c", (0, "EPIPE"), "c", "EPIPE"),
    ("listen(l) = 0", (11, ""), "", ""),  # a handle that the case has
    ("poll(l) = IN|OUT", (5, ""), "", ""),
    ("poll(l) = IN|OUT", (1, ""), "IN|OUT", "IN"),
    ("poll(l) = IN", (5, ""), "IN", "IN|OUT"),
    ("poll(l) = IN|...", (5, ""), "", ""),
    ("poll(l) = IN|...", (4, ""), "IN|...", "OUT"),
    ("poll(l) = 0", (0, ""), "", ""),
    ("poll(l) = 0", (8, ""), "0", "ERR"),
    ("poll(l) = ERR", (8, ""), "", ""),
    ("poll(l) = ERR", (0, "ERR"), "ERR", "ERR"),
    ("poll(l) = IN", (0x101, ""), "IN", "IN|0x100"),
    ("signals() = URG", (2, ""), "", ""),
    ("getsockname(l) = target", (4000, ""), "", ""),
    ("getsockname(l) = target", (4001, ""), "target", "4001"),
    ("getpeername(l) = tester", (40000, ""), "", ""),
    ("getpeername(l) = tester", (4000, ""), "tester", "4000"),
    ("getsockname(l) = 4000", (4000, ""), "", ""),
]


@pytest.mark.parametrize(("call", "back", "wanted", "shown"), RESULTS)
def test_results(tmp_path: Path, call: str, back: tuple[int, str], wanted: str, shown: str) -> None:
    hand = held(tmp_path, f"{LISTEN}- call: {call}\n- silence: 1s")
    returns(hand, 11)
    returns(hand, *back)
    if not wanted:
        hand.passes()
        return
    failure = hand.fails(f"{call.partition('(')[0]}() returned {shown}")
    assert (failure.expected, failure.actual) == ((wanted,), shown)


def test_a_failed_call_names_no_socket(tmp_path: Path) -> None:
    hand = held(tmp_path, LISTEN)
    returns(hand, 11, errno="EADDRINUSE")
    hand.fails("listen() returned EADDRINUSE")
    with pytest.raises(KeyError):
        hand.talk.sockets["l"]


def test_a_name_may_be_given_again(tmp_path: Path) -> None:
    hand = held(tmp_path, f"{LISTEN}- call: close(l)\n- call: listen() = l\n- call: close(l)")
    for handle in (11, 0, 12):
        returns(hand, handle)
    assert told(hand) == ("close", {"socket": 12})


# ---- what is read ----------------------------------------------------------------------------

READ = """
- call: listen() = l
- call: accept(l) = c
- send: ACK len=20
- call: recv(c, 10) = {}
- call: recv(c, 10) = 10
"""


def reading(root: Path, result: str = "10") -> Hand:
    hand = held(root, READ.format(result), given="open").open()
    returns(hand, 11)
    returns(hand, 12)
    return hand


def test_what_is_read_is_what_was_sent(tmp_path: Path) -> None:
    hand = reading(tmp_path)
    returns(hand, 10, data=octets(0, 10))
    returns(hand, 10, data=octets(10, 10))
    hand.passes()


def test_other_octets_are_no_pass(tmp_path: Path) -> None:
    hand = reading(tmp_path)
    returns(hand, 10, data=octets(0, 10))
    returns(hand, 10, data=octets(10, 9) + b"\xff")
    failure = hand.fails("the application read other octets, from octet 20 on")
    assert (failure.expected, failure.actual) == (("0x13",), "0xff")


def test_octets_that_were_read_before_are_no_pass(tmp_path: Path) -> None:
    hand = reading(tmp_path)
    returns(hand, 10, data=octets(0, 10))
    returns(hand, 10, data=octets(0, 10))
    hand.fails("the application read other octets, from octet 11 on")


def test_fewer_octets(tmp_path: Path) -> None:
    hand = reading(tmp_path)
    returns(hand, 9, data=octets(0, 9))
    hand.fails("recv() returned 9")


def test_a_text_that_the_case_sent_is_read_as_it_was_sent(tmp_path: Path) -> None:
    steps = """
- call: listen() = l
- call: accept(l) = c
- send: PSH,ACK data="hello"
- send: ACK len=3
- send: ACK seq=1 data="HELLO"   # what was taken stays
- call: recv(c, 8) = 8
- call: recv(c) = "x"
"""
    hand = held(tmp_path, steps, given="open").open()
    returns(hand, 11)
    returns(hand, 12)
    returns(hand, 8, data=b"hello" + octets(5, 3))
    returns(hand, 1, data=b"y")
    assert hand.fails("recv() returned 1").expected == ('"x"',)


def test_a_text_that_no_target_may_take_is_not_expected(tmp_path: Path) -> None:
    steps = """
- call: listen() = l
- call: accept(l) = c
- send: {flags: ACK, data: evil, checksum: bad}
- send: ACK seq=1 len=4
- call: recv(c, 4) = 4
"""
    hand = held(tmp_path, steps, given="open").open()
    returns(hand, 11)
    returns(hand, 12)
    returns(hand, 4, data=octets(0, 4))
    hand.passes()


def test_a_text_that_the_application_wrote_is_what_must_come(tmp_path: Path) -> None:
    steps = """
- call:   listen() = l
- call:   accept(l) = c
- call:   send(c, 2) = 2
- call:   send(c, "abc") = 3
- expect: ACK len=6
"""
    for payload, passes in ((b"\0\1abc\5", True), (b"\0\1abd\5", False)):
        hand = held(tmp_path, steps, given="open").open()
        for value in (11, 12, 2, 3):
            returns(hand, value)
        segment = hand.segment("ACK seq=1 ack=1 len=6", payload=payload)
        hand.feed(events.Arrived(hand.now, segment))
        if passes:
            hand.passes()
        else:
            failure = hand.fails(
                "no TCP may send this: octet 5 of the stream is 0x64, and was written as 0x63"
            )
            assert failure.requirement == "rfc9293/T-3.6-deliver"


# ---- when ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("within", "took", "message"),
    [
        ("", 1.0, ""),
        ("", 1.01, "accept(l) returned too late"),
        ("within: 200ms", 0.2, ""),
        ("within: 200ms", 0.21, "accept(l) returned too late"),
        ("within: 200ms..300ms", 0.1, "accept(l) returned too early"),
        ("within: 200ms..300ms", 0.2, ""),
    ],
)
def test_a_calls_bound_counts_from_its_invocation(
    tmp_path: Path, within: str, took: float, message: str
) -> None:
    hand = held(tmp_path, f"{LISTEN}- call: accept(l) = c\n  {within}\n- silence: 1s")
    returns(hand, 11)
    hand.jump(0.09)  # the agent was busy
    started = hand.now
    waits(hand)
    hand.jump(3000.0)
    returns(hand, 12, started=started, at=started + took)
    if message:
        failure = hand.fails(message)
        assert failure.expected == ("c",)
        assert failure.timed is message.endswith("late")
    else:
        hand.passes()


def test_a_call_that_does_not_return(tmp_path: Path) -> None:
    hand = held(tmp_path, f"{LISTEN}- call: accept(l) = c")
    returns(hand, 11)
    hand.feed(events.CallPending(hand.now, hand.last(actions.MakeCall).number))
    failure = hand.fails("accept(l) has not returned in time")
    assert (failure.expected, failure.actual) == (("c",), "it blocks")
    assert hand.now == pytest.approx(START + 1.0)


def test_what_follows_a_call_counts_from_its_invocation(tmp_path: Path) -> None:
    steps = "- call: listen() = l\n- call: close(l)\n- expect: FIN,ACK seq=1\n  within: 1s"
    hand = held(tmp_path, steps, given="open").open()
    returns(hand, 11)
    started = hand.now
    waits(hand)
    hand.come("FIN,ACK seq=1 ack=1", after=0.1)
    hand.jump(0.5)
    returns(hand, started=started)
    hand.passes()
    hand = held(tmp_path, steps, given="open").open()
    returns(hand, 11)
    started = hand.now
    waits(hand)
    hand.jump(0.9)
    returns(hand, started=started)
    hand.come("FIN,ACK seq=1 ack=1", at=started + 1.1)
    hand.fails("it came too late")


def test_after_delays_a_call(tmp_path: Path) -> None:
    hand = held(tmp_path, "- call: listen() = l\n  after: 3s")
    assert hand.done == []
    hand.pass_time(3.0)
    assert told(hand)[0] == "listen"
