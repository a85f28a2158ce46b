"""A cookie of one connection in another, and text that went with a SYN."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand import Hand
from test_play_conversation import opened

GRANTED = """
- send:   SYN seq=0 <fastopen>
  conn:   g
- expect: SYN,ACK seq=0 ack=1 <fastopen *>
  conn:   g
  as:     granted
"""
COOKIE = bytes.fromhex("0123456789ab")


def granted(tmp_path: Path, steps: str, option: str = "fastopen 0x0123456789ab") -> Hand:
    hand = opened(tmp_path, GRANTED + steps)
    hand.iss["g"] = 5000
    hand.come(f"SYN,ACK seq=0 ack=1 <{option}>", conn="g")
    return hand


def test_a_cookie_is_sent_again(tmp_path: Path) -> None:
    steps = "- send: SYN seq=0 len=9 <mss 1000, fastopen granted.cookie>\n  conn: b\n"
    hand = granted(tmp_path, steps)
    assert hand.sent[-1].options[1].encode() == b"\x22\x08" + COOKIE
    assert len(hand.sent[-1].payload) == 9


WRONG = "no TCP may send this: its option 34 has the wrong length, 5"


@pytest.mark.parametrize(
    ("option", "told"), [("fastopen", "another segment came"), ("kind 34 0x010203", WRONG)]
)
def test_none_is_no_cookie(tmp_path: Path, option: str, told: str) -> None:
    granted(tmp_path, "", option).fails(told)


@pytest.mark.parametrize("option", ["fastopen 0x0123456789ab", "fastopen 0x0123456789ac"])
def test_a_cookie_is_expected_again(tmp_path: Path, option: str) -> None:
    steps = "- send: SYN seq=0\n  conn: b\n"
    steps += "- expect: SYN,ACK seq=0 ack=1 <fastopen granted.cookie>\n  conn: b\n"
    hand = granted(tmp_path, steps)
    hand.come(f"SYN,ACK seq=0 ack=1 <{option}>", conn="b")
    if option.endswith("ab"):
        hand.passes()
    else:
        hand.fails("another segment came")


def test_what_follows_text_that_the_syn_ack_took(tmp_path: Path) -> None:
    steps = "- send: SYN seq=0 len=9\n  conn: b\n- expect: SYN,ACK seq=0 ack=10\n  conn: b\n"
    hand = granted(tmp_path, steps + "- send: ACK len=3\n  conn: b\n")
    hand.come("SYN,ACK seq=0 ack=10", conn="b")
    syn, last = hand.sent[-2:]
    assert last.seq == (syn.seq + 10) % (1 << 32)
