"""What two handles of one socket share, and what a call that took less has written and read."""

from __future__ import annotations

from pathlib import Path

from hand import Hand
from test_steps_call import held, returns, told

from conformance.tcp.stream import octets

OPENED = """
- call: listen() = l
- call: accept(l) = c
"""


def opened(root: Path, steps: str) -> Hand:
    hand = held(root, f"{OPENED}{steps}\n- silence: 1s", given="open").open()
    returns(hand, 11)
    returns(hand, 12)
    return hand


def test_a_second_handle_reads_on_where_the_first_stopped(tmp_path: Path) -> None:
    steps = "- send: ACK len=20\n- call: recv(c, 10)\n- call: dup(c) = d\n- call: recv(d, 10)"
    hand = opened(tmp_path, steps)
    returns(hand, 10, data=octets(0, 10))
    returns(hand, 13)
    assert told(hand) == ("recv", {"socket": 13, "count": 10, "all": 1})
    returns(hand, 10, data=octets(0, 10))
    hand.fails("the application read other octets, from octet 11 on")


def test_a_second_handle_writes_on_where_the_first_stopped(tmp_path: Path) -> None:
    steps = """
- call: dup(c) = d
- call: send(c, 10)
- call: send(d, "ab")
- expect: ACK len=12"""
    hand = opened(tmp_path, steps.strip())
    for value in (13, 10, 2):
        returns(hand, value)
    stream = hand.talk.conn("a").target_stream
    assert stream.octets(0, 12) == octets(0, 10) + b"ab"


def test_what_was_only_looked_at_is_read_again(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- send: ACK len=20\n- call: recv(c, 10, PEEK)\n- call: recv(c, 10)")
    for _ in range(2):
        returns(hand, 10, data=octets(0, 10))
    hand.passes()


def test_other_octets_are_no_pass_when_they_are_only_looked_at(tmp_path: Path) -> None:
    hand = opened(tmp_path, "- send: ACK len=20\n- call: recv(c, 10, PEEK)")
    returns(hand, 10, data=octets(5, 10))
    hand.fails("the application read other octets, from octet 1 on")


def test_what_a_write_did_not_take_is_not_written(tmp_path: Path) -> None:
    steps = """
- call: send(c, "abcdef", DONTWAIT) = 2
- call: send(c, "xyz", DONTWAIT) = EAGAIN
- call: send(c, 100, DONTWAIT) = 3"""
    hand = opened(tmp_path, steps.strip())
    returns(hand, 2)
    returns(hand, errno="EAGAIN")
    returns(hand, 3)
    assert hand.talk.sockets["c"].written == 5
    assert hand.talk.conn("a").target_stream.octets(0, 6) == b"ab" + octets(2, 4)


def test_a_bound_socket_says_its_port_itself(tmp_path: Path) -> None:
    steps = "- call: socket() = s\n- call: bind(s, port=0)\n- call: listen(s)"
    hand = held(tmp_path, steps)
    returns(hand, 11)
    returns(hand, 0)
    assert told(hand) == ("listen", {"socket": 11})


def test_a_socket_that_was_never_bound_listens_on_the_port_of_the_case(tmp_path: Path) -> None:
    hand = held(tmp_path, "- call: socket() = s\n- call: listen(s)")
    returns(hand, 11)
    assert told(hand) == ("listen", {"socket": 11, "port": 4000})
