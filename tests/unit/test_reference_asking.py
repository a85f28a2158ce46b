"""What the reference answers to calls that ask, do not wait, or share a socket."""

from __future__ import annotations

import pytest
from test_reference_events import LOCAL, REMOTE, Rig

from conformance.notation.bits import EVENTS, print_bits
from conformance.reference.machine import Returned
from conformance.tcp.flags import Flags
from conformance.tcp.states import State
from conformance.tcp.stream import octets

TEXT = "PA seq=RCV.NXT ack=SND.NXT len=10"
URGENT = "UA seq=RCV.NXT ack=SND.NXT len=10 urg=10"
FIN = "FA seq=RCV.NXT ack=SND.NXT"


def asked(rig: Rig, call: str, **args: int | str) -> int | str:
    """What a call returns at once: the errno, else the value; "waits" if it does not."""
    returned = rig.returned(rig.call(call, **args))
    return "waits" if returned is None else returned.errno or returned.value


def events(rig: Rig, **args: int | str) -> str:
    found = asked(rig, "poll", **({"socket": 2} | args))
    return found if isinstance(found, str) else print_bits(found, EVENTS)


@pytest.mark.parametrize(
    ("where", "stimuli", "found"),
    [
        ("ESTABLISHED", (), "OUT"),
        ("ESTABLISHED", (TEXT,), "IN|OUT"),
        ("ESTABLISHED", (URGENT,), "IN|PRI|OUT"),
        ("ESTABLISHED", ("UA seq=RCV.NXT ack=SND.NXT len=1 urg=1",), "PRI|OUT"),
        ("ESTABLISHED", (FIN,), "IN|OUT"),
        ("ESTABLISHED", ("R seq=RCV.NXT",), "IN|ERR|HUP"),
        ("FIN-WAIT-1", (), "OUT"),
        ("FIN-WAIT-1", (FIN,), "IN|HUP"),
        ("CLOSE-WAIT", (), "IN|OUT"),
    ],
)
def test_the_events_that_are_there(where: str, stimuli: tuple[str, ...], found: str) -> None:
    rig = Rig(where)
    for stimulus in stimuli:
        rig.send(stimulus)
    assert events(rig) == found


def test_the_events_of_a_socket_without_a_connection() -> None:
    rig = Rig("SYN-RECEIVED")
    assert events(rig, socket=1) == "0"
    rig = Rig("CLOSED")
    rig.call("listen", port=LOCAL)
    rig.send("S seq=5000")
    assert events(rig, socket=1) == "0"
    rig.send("A seq=5001 ack=ISS+1")
    assert events(rig, socket=1) == "IN"
    assert events(rig, socket=asked(rig, "socket")) == "HUP"
    assert events(Rig("SYN-SENT"), socket=1) == "0"
    assert asked(rig, "poll", socket=1, events="NONE") == "EINVAL"


def test_a_full_buffer_is_not_writable() -> None:
    rig = Rig("ESTABLISHED", sndbuf=65536)
    rig.send("A seq=RCV.NXT ack=SND.NXT wnd=0")
    assert asked(rig, "send", socket=2, count=1 << 20, flag="DONTWAIT") == 65536
    assert asked(rig, "send", socket=2, count=1, flag="DONTWAIT") == "EAGAIN"
    assert events(rig) == "0"
    assert asked(rig, "outq", socket=2) == asked(rig, "unsent", socket=2) == 65536


def test_a_poll_waits_for_what_it_names() -> None:
    rig = Rig("ESTABLISHED")
    assert events(rig, events="IN", flag="DONTWAIT") == "0"
    number = rig.call("poll", socket=2, events="PRI|RDHUP")
    rig.send(TEXT)
    assert rig.returned(number) is None
    rig.send(FIN)
    assert rig.returned(number) == Returned(number, EVENTS["RDHUP"])


def test_what_is_looked_at_is_still_there() -> None:
    rig = Rig("ESTABLISHED")
    assert asked(rig, "recv", socket=2, flag="PEEK|DONTWAIT") == "EAGAIN"
    number = rig.call("recv", socket=2, count=4, flag="PEEK")
    rig.send(TEXT)
    assert rig.returned(number) == Returned(number, 4, data=b"xxxx")
    assert asked(rig, "pending", socket=2) == 10
    assert asked(rig, "recv", socket=2, flag="DONTWAIT") == 10
    rig.send(FIN)
    assert asked(rig, "recv", socket=2, flag="PEEK") == 0


def test_who_looks_passes_over_the_urgent_octet_as_who_reads() -> None:
    rig = Rig("ESTABLISHED")
    rig.send("UA seq=RCV.NXT ack=SND.NXT len=4 urg=1")
    assert asked(rig, "recv", socket=2, flag="PEEK") == 3
    rig.send("UA seq=RCV.NXT ack=SND.NXT len=4 urg=3")
    assert asked(rig, "recv", socket=2, flag="PEEK") == 6


def test_an_open_that_does_not_wait() -> None:
    rig = Rig("CLOSED")
    rig.call("socket")
    rig.call("bind", socket=1, port=LOCAL)
    again: dict[str, int | str] = {"socket": 1, "port": REMOTE, "flag": "DONTWAIT"}
    assert asked(rig, "connect", **again) == "EINPROGRESS"
    assert [one.flags for one in rig.take()] == [Flags.SYN]
    assert asked(rig, "connect", **again) == "EALREADY"
    assert rig.take() == []
    rig.send("SA seq=5000 ack=ISS+1")
    assert rig.state is State.ESTABLISHED
    assert asked(rig, "connect", **again) == asked(rig, "connect", socket=1, port=9) == "EISCONN"


def test_an_open_that_failed_says_why_once_and_may_begin_anew() -> None:
    rig = Rig("CLOSED")
    rig.call("socket")
    rig.call("bind", socket=1, port=LOCAL)
    again: dict[str, int | str] = {"socket": 1, "port": REMOTE, "flag": "DONTWAIT"}
    assert asked(rig, "connect", **again) == "EINPROGRESS"
    rig.send("RA seq=0 ack=SND.NXT")
    assert events(rig, socket=1) == "IN|ERR|HUP"
    assert asked(rig, "connect", **again) == "ECONNREFUSED"
    assert asked(rig, "connect", **again) == "EINPROGRESS"
    assert rig.state is State.SYN_SENT


def test_a_connection_lasts_until_its_last_handle_is_closed() -> None:
    rig = Rig("ESTABLISHED")
    second = asked(rig, "dup", socket=2)
    number = rig.call("recv", socket=2)
    assert asked(rig, "close", socket=2) == 0
    assert rig.returned(number) == Returned(number, errno="ECANCELED")
    assert asked(rig, "recv", socket=2) == "EBADF"
    assert (rig.take(), rig.state) == ([], State.ESTABLISHED)
    assert asked(rig, "send", socket=second, count=10) == 10
    assert [one.payload for one in rig.take()] == [octets(0, 10)]
    assert asked(rig, "close", socket=second) == 0
    assert [one.flags for one in rig.take()] == [Flags.FIN | Flags.ACK]


def test_the_ports_of_both_ends() -> None:
    rig = Rig("ESTABLISHED")
    assert asked(rig, "getsockname", socket=2) == asked(rig, "getsockname", socket=1) == LOCAL
    assert asked(rig, "getpeername", socket=2) == REMOTE
    assert asked(rig, "getpeername", socket=1) == "ENOTCONN"
    rig.send("R seq=RCV.NXT")
    assert asked(rig, "getpeername", socket=2) == "ENOTCONN"
    assert asked(rig, "outq", socket=1) == "EINVAL"


def test_a_connection_of_which_nothing_came_has_no_signal() -> None:
    assert asked(Rig("ESTABLISHED"), "signals") == 0


def test_signals_are_told_once() -> None:
    rig = Rig("ESTABLISHED")
    rig.send(URGENT)
    rig.call("shutdown", socket=2, how="WR")
    assert asked(rig, "send", socket=2, count=1, flag="NOSIGNAL") == "EPIPE"
    assert asked(rig, "signals") == 2
    assert asked(rig, "send", socket=2, count=1) == "EPIPE"
    assert asked(rig, "signals") == 1
    assert asked(rig, "signals") == 0


def test_a_bound_socket_listens_on_its_port() -> None:
    rig = Rig("CLOSED")
    rig.call("socket")
    rig.call("bind", socket=1, port=LOCAL)
    assert asked(rig, "listen", socket=1, port=9) == 1
    assert rig.state is State.LISTEN
    assert asked(rig, "listen", port=LOCAL) == "EADDRINUSE"
