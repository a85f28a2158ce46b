"""``free: rest``: what may come then, and what no TCP may send all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import Hand, write_case

from conformance.case.faults import CaseFaults
from conformance.case.verbs.free import Free

CLOSED = "- call: listen() = l\n- expect: FIN,ACK\n- free: rest"
OTHER = "- expect: FIN,ACK\n- free: rest\n- send: SYN\n  conn: b\n- expect: SYN,ACK\n  conn: b"


def test_without_it_what_follows_the_last_step_fails(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, "- expect: FIN,ACK")).open()
    hand.come("FIN,ACK seq=1 ack=1")
    hand.come("RST seq=2", after=0.01)
    hand.fails("a segment came that no step foresees")


def test_what_follows_is_free(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, CLOSED)).open()
    hand.come("FIN,ACK seq=1 ack=1")
    hand.come("FIN,ACK seq=1 ack=1", after=0.01)
    hand.come("RST seq=2", after=0.01)
    hand.passes()
    taken = [entry.taken for entry in hand.talk.record.entries if entry.taken is not None]
    assert [isinstance(step, Free) for step in taken] == [False, False, True, True]


def test_the_watch_is_not_blind(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, CLOSED)).open()
    hand.come("FIN,ACK seq=1 ack=1")
    hand.come("ACK seq=1 ack=9", after=0.01)
    failure = hand.fails("no TCP may send this: it acknowledges 9, and nothing beyond 1 was sent")
    assert failure.never


def test_another_connection_goes_on_and_is_judged(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, OTHER)).open()
    hand.come("FIN,ACK seq=1 ack=1")
    hand.come("RST seq=2", after=0.01)
    hand.come("SYN,ACK seq=0 ack=1", after=0.01, conn="b")
    hand.come("RST seq=1", after=0.01, conn="b")
    hand.fails("a segment came that no step foresees")


# Steps, and what is wrong with them.
WRONG = [
    ("- free: rest\n- expect: ACK", "free: rest is the last step of its connection"),
    ("- free: rest\n- silence: 1s", "free: rest is the last step of its connection"),
    ("- either:\n  - - expect: RST\n    - free: rest\n  - - expect: ACK\n- silence: 1s",
     "free: rest is the last step of its connection"),
    ("- repeat: 2\n  steps:\n  - expect: ACK\n  - free: rest",
     "free: rest ends a connection, and this is played again"),
    ("- free: 1s", "1s is not rest"),
    ("- free: rest", "no step of this case checks anything"),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "message"), WRONG)
def test_where_it_may_not_stand(tmp_path: Path, steps: str, message: str) -> None:
    with pytest.raises(CaseFaults) as found:
        write_case(tmp_path, steps)
    assert [message in fault.message for fault in found.value.faults] == [True]
