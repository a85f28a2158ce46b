"""The state machine as data: RFC 9293 section 3.10, one row a transition.

Rules: a connection changes its state only by a row of this table; what a row does beside that is
its ``actions``, in order; a segment is split into elementary inputs (it acknowledges our FIN, it
carries a FIN), so no row combines two. Checks that come before a transition (windows, timestamps,
challenge ACKs) are in :mod:`conformance.reference.arrives`.

Because the rows are everything, a row that is taken out is a fault in the stack: the input then
changes nothing and does nothing. That is how a suite of cases shows that it notices.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from conformance.tcp.states import State


class Input(StrEnum):
    """What can happen to a connection, in elementary pieces."""

    OPEN_PASSIVE = "passive OPEN"
    OPEN_ACTIVE = "active OPEN"
    SEND = "SEND"
    CLOSE = "CLOSE"
    ABORT = "ABORT"
    SYN = "rcv SYN"
    SYN_ACK = "rcv SYN,ACK"
    ACK_OF_SYN = "rcv ACK of SYN"
    ACK_OF_FIN = "rcv ACK of FIN"
    FIN = "rcv FIN"
    RST = "rcv RST"
    RST_PASSIVE = "rcv RST after passive OPEN"
    SYN_IN_WINDOW = "rcv SYN in window"
    SYN_IN_WINDOW_PASSIVE = "rcv SYN in window after passive OPEN"
    NEW_SYN = "rcv SYN of a new incarnation"
    TEXT_AFTER_CLOSE = "rcv text after close()"
    HARD_ERROR = "ICMP hard error"
    USER_TIMEOUT = "user timeout"
    TIME_WAIT_TIMEOUT = "time-wait timeout"


class Action(StrEnum):
    """What a row does; the functions are in :mod:`conformance.reference.moves`."""

    SEND_SYN = "snd SYN"
    SEND_SYN_ACK = "snd SYN,ACK"
    SEND_ACK = "snd ACK"
    SEND_FIN = "snd FIN"
    SEND_RST = "snd RST"  # <SEQ=SND.NXT><CTL=RST>, 3.10.5
    REJECT = "snd RST for the segment"  # 3.5.2
    TAKE_FIN = "RCV.NXT over the FIN"
    TELL_OPEN = "tell: connected"
    TELL_REFUSED = "tell: connection refused"
    TELL_RESET = "tell: connection reset"
    TELL_TIMEOUT = "tell: connection aborted due to user timeout"
    START_2MSL = "start 2MSL"
    FLUSH = "flush queues"
    DELETE = "delete TCB"


@dataclass(frozen=True, slots=True)
class Transition:
    """In ``state``, ``input`` does ``actions`` and leads to ``next`` (RFC 9293 ``section``)."""

    state: State
    input: Input
    next: State
    label: str
    section: str
    actions: tuple[Action, ...] = ()


Table = tuple[Transition, ...]
Rows = dict[tuple[State, Input], Transition]

_S, _I, _A, _T = State, Input, Action, Transition
_GONE = (_A.FLUSH, _A.DELETE)
_ABORTED = (_A.SEND_RST, _A.TELL_RESET, *_GONE)
_RESET = (_A.TELL_RESET, *_GONE)
_REFUSED = (_A.TELL_REFUSED, *_GONE)
_REJECTED = (_A.REJECT, _A.TELL_RESET, *_GONE)
_TIMED_OUT = (_A.TELL_TIMEOUT, *_GONE)
_FIN = (_A.TAKE_FIN, _A.SEND_ACK)

# In the order of figure 5, state by state; within one: calls, segments, timeouts (3.10.1 on).
# fmt: off
TABLE: Final[Table] = (
    _T(_S.CLOSED, _I.OPEN_PASSIVE, _S.LISTEN, "passive OPEN / create TCB", "3.10.1"),
    _T(_S.CLOSED, _I.OPEN_ACTIVE, _S.SYN_SENT, "active OPEN / create TCB, snd SYN", "3.10.1",
       (_A.SEND_SYN,)),

    _T(_S.LISTEN, _I.OPEN_ACTIVE, _S.SYN_SENT, "active OPEN / snd SYN", "3.10.1", (_A.SEND_SYN,)),
    _T(_S.LISTEN, _I.SEND, _S.SYN_SENT, "SEND / snd SYN", "3.10.2", (_A.SEND_SYN,)),
    _T(_S.LISTEN, _I.CLOSE, _S.CLOSED, "CLOSE / delete TCB", "3.10.4", _GONE),
    _T(_S.LISTEN, _I.ABORT, _S.CLOSED, "ABORT / delete TCB", "3.10.5", _RESET),
    _T(_S.LISTEN, _I.SYN, _S.SYN_RECEIVED, "rcv SYN / snd SYN,ACK", "3.10.7.2",
       (_A.SEND_SYN_ACK,)),

    _T(_S.SYN_SENT, _I.CLOSE, _S.CLOSED, "CLOSE / delete TCB", "3.10.4", _GONE),
    _T(_S.SYN_SENT, _I.ABORT, _S.CLOSED, "ABORT / delete TCB", "3.10.5", _RESET),
    _T(_S.SYN_SENT, _I.RST, _S.CLOSED, "rcv RST / delete TCB", "3.10.7.3", _REFUSED),
    _T(_S.SYN_SENT, _I.SYN_ACK, _S.ESTABLISHED, "rcv SYN,ACK / snd ACK", "3.10.7.3",
       (_A.TELL_OPEN, _A.SEND_ACK)),
    _T(_S.SYN_SENT, _I.SYN, _S.SYN_RECEIVED, "rcv SYN / snd SYN,ACK", "3.10.7.3",
       (_A.SEND_SYN_ACK,)),
    _T(_S.SYN_SENT, _I.HARD_ERROR, _S.CLOSED, "ICMP hard error / delete TCB", "3.9.2.2", _REFUSED),
    _T(_S.SYN_SENT, _I.USER_TIMEOUT, _S.CLOSED, "user timeout / delete TCB", "3.10.8", _TIMED_OUT),

    _T(_S.SYN_RECEIVED, _I.CLOSE, _S.FIN_WAIT_1, "CLOSE / snd FIN", "3.10.4", (_A.SEND_FIN,)),
    _T(_S.SYN_RECEIVED, _I.ABORT, _S.CLOSED, "ABORT / snd RST", "3.10.5", _ABORTED),
    _T(_S.SYN_RECEIVED, _I.RST_PASSIVE, _S.LISTEN, "rcv RST", "3.10.7.4", _GONE),
    _T(_S.SYN_RECEIVED, _I.RST, _S.CLOSED, "rcv RST / delete TCB", "3.10.7.4", _REFUSED),
    _T(_S.SYN_RECEIVED, _I.SYN_IN_WINDOW_PASSIVE, _S.LISTEN, "rcv SYN in window", "3.10.7.4",
       _GONE),
    _T(_S.SYN_RECEIVED, _I.SYN_IN_WINDOW, _S.CLOSED, "rcv SYN in window / snd RST", "3.10.7.4",
       _REJECTED),
    _T(_S.SYN_RECEIVED, _I.ACK_OF_SYN, _S.ESTABLISHED, "rcv ACK of SYN / x", "3.10.7.4",
       (_A.TELL_OPEN,)),
    _T(_S.SYN_RECEIVED, _I.HARD_ERROR, _S.CLOSED, "ICMP hard error / delete TCB", "3.9.2.2",
       _REFUSED),
    _T(_S.SYN_RECEIVED, _I.USER_TIMEOUT, _S.CLOSED, "user timeout / delete TCB", "3.10.8",
       _TIMED_OUT),

    _T(_S.ESTABLISHED, _I.CLOSE, _S.FIN_WAIT_1, "CLOSE / snd FIN", "3.10.4", (_A.SEND_FIN,)),
    _T(_S.ESTABLISHED, _I.ABORT, _S.CLOSED, "ABORT / snd RST", "3.10.5", _ABORTED),
    _T(_S.ESTABLISHED, _I.RST, _S.CLOSED, "rcv RST / delete TCB", "3.10.7.4", _RESET),
    _T(_S.ESTABLISHED, _I.SYN_IN_WINDOW, _S.CLOSED, "rcv SYN in window / snd RST", "3.10.7.4",
       _REJECTED),
    _T(_S.ESTABLISHED, _I.FIN, _S.CLOSE_WAIT, "rcv FIN / snd ACK", "3.10.7.4", _FIN),
    _T(_S.ESTABLISHED, _I.USER_TIMEOUT, _S.CLOSED, "user timeout / delete TCB", "3.10.8",
       _TIMED_OUT),

    _T(_S.FIN_WAIT_1, _I.ABORT, _S.CLOSED, "ABORT / snd RST", "3.10.5", _ABORTED),
    _T(_S.FIN_WAIT_1, _I.RST, _S.CLOSED, "rcv RST / delete TCB", "3.10.7.4", _RESET),
    _T(_S.FIN_WAIT_1, _I.SYN_IN_WINDOW, _S.CLOSED, "rcv SYN in window / snd RST", "3.10.7.4",
       _REJECTED),
    _T(_S.FIN_WAIT_1, _I.ACK_OF_FIN, _S.FIN_WAIT_2, "rcv ACK of FIN / x", "3.10.7.4"),
    _T(_S.FIN_WAIT_1, _I.TEXT_AFTER_CLOSE, _S.CLOSED, "rcv text after close() / snd RST", "3.6.1",
       _REJECTED),
    _T(_S.FIN_WAIT_1, _I.FIN, _S.CLOSING, "rcv FIN / snd ACK", "3.10.7.4", _FIN),
    _T(_S.FIN_WAIT_1, _I.USER_TIMEOUT, _S.CLOSED, "user timeout / delete TCB", "3.10.8",
       _TIMED_OUT),

    _T(_S.FIN_WAIT_2, _I.ABORT, _S.CLOSED, "ABORT / snd RST", "3.10.5", _ABORTED),
    _T(_S.FIN_WAIT_2, _I.RST, _S.CLOSED, "rcv RST / delete TCB", "3.10.7.4", _RESET),
    _T(_S.FIN_WAIT_2, _I.SYN_IN_WINDOW, _S.CLOSED, "rcv SYN in window / snd RST", "3.10.7.4",
       _REJECTED),
    _T(_S.FIN_WAIT_2, _I.TEXT_AFTER_CLOSE, _S.CLOSED, "rcv text after close() / snd RST", "3.6.1",
       _REJECTED),
    _T(_S.FIN_WAIT_2, _I.FIN, _S.TIME_WAIT, "rcv FIN / snd ACK", "3.10.7.4",
       (*_FIN, _A.START_2MSL)),
    _T(_S.FIN_WAIT_2, _I.USER_TIMEOUT, _S.CLOSED, "user timeout / delete TCB", "3.10.8",
       _TIMED_OUT),  # only keep-alive gets here: nothing is outstanding

    _T(_S.CLOSE_WAIT, _I.CLOSE, _S.LAST_ACK, "CLOSE / snd FIN", "3.10.4", (_A.SEND_FIN,)),
    _T(_S.CLOSE_WAIT, _I.ABORT, _S.CLOSED, "ABORT / snd RST", "3.10.5", _ABORTED),
    _T(_S.CLOSE_WAIT, _I.RST, _S.CLOSED, "rcv RST / delete TCB", "3.10.7.4", _RESET),
    _T(_S.CLOSE_WAIT, _I.SYN_IN_WINDOW, _S.CLOSED, "rcv SYN in window / snd RST", "3.10.7.4",
       _REJECTED),
    _T(_S.CLOSE_WAIT, _I.USER_TIMEOUT, _S.CLOSED, "user timeout / delete TCB", "3.10.8",
       _TIMED_OUT),

    _T(_S.CLOSING, _I.ABORT, _S.CLOSED, "ABORT / delete TCB", "3.10.5", _GONE),
    _T(_S.CLOSING, _I.RST, _S.CLOSED, "rcv RST / delete TCB", "3.10.7.4", _GONE),
    _T(_S.CLOSING, _I.SYN_IN_WINDOW, _S.CLOSED, "rcv SYN in window / snd RST", "3.10.7.4",
       _REJECTED),
    _T(_S.CLOSING, _I.ACK_OF_FIN, _S.TIME_WAIT, "rcv ACK of FIN / x", "3.10.7.4",
       (_A.START_2MSL,)),
    _T(_S.CLOSING, _I.USER_TIMEOUT, _S.CLOSED, "user timeout / delete TCB", "3.10.8", _TIMED_OUT),

    _T(_S.LAST_ACK, _I.ABORT, _S.CLOSED, "ABORT / delete TCB", "3.10.5", _GONE),
    _T(_S.LAST_ACK, _I.RST, _S.CLOSED, "rcv RST / delete TCB", "3.10.7.4", _GONE),
    _T(_S.LAST_ACK, _I.SYN_IN_WINDOW, _S.CLOSED, "rcv SYN in window / snd RST", "3.10.7.4",
       _REJECTED),
    _T(_S.LAST_ACK, _I.ACK_OF_FIN, _S.CLOSED, "rcv ACK of FIN / x", "3.10.7.4", (_A.DELETE,)),
    _T(_S.LAST_ACK, _I.USER_TIMEOUT, _S.CLOSED, "user timeout / delete TCB", "3.10.8", _TIMED_OUT),

    _T(_S.TIME_WAIT, _I.ABORT, _S.CLOSED, "ABORT / delete TCB", "3.10.5", _GONE),
    _T(_S.TIME_WAIT, _I.RST, _S.CLOSED, "rcv RST / delete TCB", "3.10.7.4", _GONE),
    _T(_S.TIME_WAIT, _I.SYN_IN_WINDOW, _S.CLOSED, "rcv SYN in window / snd RST", "3.10.7.4",
       _REJECTED),
    _T(_S.TIME_WAIT, _I.NEW_SYN, _S.CLOSED, "rcv SYN of a new incarnation / delete TCB", "3.6.1",
       (_A.DELETE,)),
    _T(_S.TIME_WAIT, _I.FIN, _S.TIME_WAIT, "rcv FIN again / restart 2MSL", "3.10.7.4",
       (_A.START_2MSL,)),
    _T(_S.TIME_WAIT, _I.TIME_WAIT_TIMEOUT, _S.CLOSED, "timeout=2MSL / delete TCB", "3.10.8",
       (_A.DELETE,)),
)
# fmt: on


def rows(table: Iterable[Transition]) -> Rows:
    """The table by state and input; ValueError if two rows claim the same."""
    index: Rows = {}
    for row in table:
        if (row.state, row.input) in index:
            raise ValueError(f"two rows for {row.state} and {row.input}")
        index[row.state, row.input] = row
    return index


def without(row: Transition, table: Table = TABLE) -> Table:
    """The table with one row taken out; ValueError if it is not there."""
    if row not in table:
        raise ValueError(f"no such row: {row.state}, {row.input}")
    return tuple(each for each in table if each != row)
