"""Which windows a ladder shows: what was written, what is shut, what jumped."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conformance.report.ladder import ladder

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))
from hand import Hand, write_case

OPEN = """
- send:   SYN seq=0 <mss 1460, wscale 2>
- expect: SYN,ACK seq=0 ack=1
- send:   ACK seq=1 ack=1
"""


def drawn(root: Path, steps: str, *came: str, scale: str = "") -> list[str]:
    """The segments of the ladder, below those of the handshake."""
    hand = Hand(write_case(root, f"{OPEN}{steps}\n- silence: 1s", given=""))
    hand.come(f"SYN,ACK seq=0 ack=1 win=2000{scale}")
    for segment in came:
        hand.come(segment)
    hand.finish()
    rows = [
        line for line in ladder(hand.talk.record).splitlines() if "-->" in line or "<--" in line
    ]
    return [
        row.split("--> " if "-->" in row else "<-- ")[1].split("  ")[0].rstrip(" <->")
        for row in rows
    ][3:]


def test_a_window_that_a_step_wrote_or_that_is_zero_is_shown(tmp_path: Path) -> None:
    steps = "- send: ACK win=99\n- expect: ACK win=98\n- send: ACK\n- expect: ACK"
    assert drawn(tmp_path, steps, "ACK seq=1 ack=1 win=98", "ACK seq=1 ack=1 win=0") == [
        "ACK seq=1 ack=1 win=99",
        "ACK seq=1 ack=1 win=98",
        "ACK seq=1 ack=1 win=65535",  # it jumped
        "ACK seq=1 ack=1 win=0",
    ]


@pytest.mark.parametrize(
    ("scale", "window", "shown"),
    [
        ("", 990, False),  # the text is in it
        ("", 980, False),
        ("", 979, True),
        ("", 1020, False),
        ("", 1021, True),
        (" <wscale 2>", 995, False),
        (" <wscale 2>", 994, True),
    ],
)
def test_a_window_is_shown_that_moved_by_more_than_the_text(
    tmp_path: Path, scale: str, window: int, shown: bool
) -> None:
    steps = "- expect: ACK\n- send: ACK len=20\n- expect: ACK"
    came = ("ACK seq=1 ack=1 win=1000", f"ACK seq=1 ack=21 win={window}")
    last = drawn(tmp_path, steps, *came, scale=scale)[-1]
    assert last == f"ACK seq=1 ack=21{f' win={window}' if shown else ''}"


def test_a_failure_shows_the_window_that_was_asked_for(tmp_path: Path) -> None:
    assert drawn(tmp_path, "- expect: ACK win=98", "ACK seq=1 ack=1 win=97") == [
        "ACK seq=1 ack=1 win=97"
    ]


def test_a_reset_shows_no_window_and_no_number_that_it_does_not_have(tmp_path: Path) -> None:
    hand = Hand(write_case(tmp_path, f"{OPEN}- expect: RST,ACK", given=""))
    hand.come("SYN,ACK seq=0 ack=1")
    hand.come("RST seq=1 win=0")
    failure = hand.fails("another segment came")
    assert failure.actual == "RST seq=1"
    assert [(one.field, one.actual) for one in failure.differences] == [
        ("flags", "RST"),
        ("ack", "none"),
    ]
    assert "<-- RST seq=1  " in ladder(hand.talk.record)
