"""The path out of trace records: a record of CLOSE counts only if the socket is gone."""

from __future__ import annotations

import pytest

from conformance.live.kernel.trace import Path, TraceRecord
from conformance.tcp.states import State

TARGET, TESTER = 4000, 1024


def record(old: State, new: State) -> TraceRecord:
    return TraceRecord(1.0, TARGET, TESTER, old, new)


def established(now: list[State]) -> Path:
    """A path in ESTABLISHED; samples answer the last of ``now``."""
    path = Path(lambda target, tester: now[-1])
    told = path.advance(1.0, [], [record(State.SYN_RECEIVED, State.ESTABLISHED)])
    assert [state for _, _, state in told] == [State.SYN_RECEIVED, State.ESTABLISHED]
    return path


@pytest.mark.parametrize("old", [State.ESTABLISHED, State.FIN_WAIT_1, State.LAST_ACK])
def test_an_orphan_that_had_these_ports_before_is_not_ours(old: State) -> None:
    now = [State.ESTABLISHED]
    path = established(now)
    assert path.advance(2.0, [], [record(old, State.CLOSED)]) == []
    now.append(State.LISTEN)
    told = path.advance(3.0, [], [record(State.ESTABLISHED, State.CLOSED)])
    assert [state for _, _, state in told] == [State.CLOSED]


def test_a_socket_that_became_a_minisocket_is_in_time_wait() -> None:
    now = [State.TIME_WAIT]
    path = established(now)
    told = path.advance(2.0, [], [record(State.FIN_WAIT_2, State.CLOSED)])
    assert [state for _, _, state in told] == [State.TIME_WAIT]
