"""Which options the reference leaves beside a digest, of 40 octets (RFC 2385 section 4.3)."""

from __future__ import annotations

import pytest

from conformance.reference.config import Config
from conformance.reference.signing import sign
from conformance.reference.tcb import StackContext
from conformance.tcp.flags import Flags
from conformance.tcp.options import (
    Md5,
    Mss,
    Nop,
    Option,
    Sack,
    SackPermitted,
    Timestamps,
    WindowScale,
)
from conformance.tcp.segment import Segment

STAMPS = (Nop(), Nop(), Timestamps(1, 2))
TWENTY = (Mss(1460), SackPermitted(), Timestamps(1, 0), Nop(), WindowScale(7))
BLOCK = (1, 2)


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (TWENTY, TWENTY),
        ((Mss(1460), *TWENTY), (Mss(1460), *TWENTY[:-1])),
        ((Nop(), Nop(), Sack((BLOCK, BLOCK))), (Nop(), Nop(), Sack((BLOCK, BLOCK)))),
        ((Nop(), Nop(), Sack((BLOCK, BLOCK, BLOCK))), (Nop(), Nop(), Sack((BLOCK, BLOCK)))),
        ((*STAMPS, Nop(), Nop(), Sack((BLOCK,))), STAMPS),
    ],
    ids=["just-fits", "last-one-goes", "blocks-fit", "a-block-goes", "no-block-is-left"],
)
def test_what_finds_room_beside_a_digest(
    options: tuple[Option, ...], left: tuple[Option, ...]
) -> None:
    signed = sign(StackContext(Config(), {}), b"key", Segment(1, 2, Flags.ACK, 1, options=options))
    assert signed.options[:2] == (Nop(), Nop())
    assert isinstance(signed.options[2], Md5)
    assert signed.options[3:] == left
