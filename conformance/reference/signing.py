"""The TCP MD5 signature option (RFC 2385): every segment signed, every other one dropped.

Whoever has a key takes nothing without its signature; whoever has none takes nothing that is
signed, because it cannot say whose it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from conformance.reference.tcb import StackContext, Tcb
from conformance.tcp.authentication import md5_digest, with_digest
from conformance.tcp.options import Md5, Nop, Option, Sack, encode
from conformance.tcp.segment import Segment

_BLANK: Final = (Nop(), Nop(), Md5(bytes(16)))
_MOST: Final = 40  # octets of options


def sign(ctx: StackContext, key: bytes, segment: Segment) -> Segment:
    """Section 2.0: each segment has the digest of itself and the key; as it is, without one."""
    if not key:
        return segment
    segment = replace(segment, options=_BLANK + _fitting(segment.options))
    return with_digest(segment, Md5, md5_digest(key, ctx.config.ends, segment))


def _fitting(options: tuple[Option, ...]) -> tuple[Option, ...]:
    """Without what finds no room beside a digest: SACK blocks, a cookie (section 4.3)."""
    over = len(encode(_BLANK + options)) - _MOST
    if over <= 0:
        return options
    *rest, last = options
    if not isinstance(last, Sack):
        return tuple(rest)
    blocks = last.blocks[: len(last.blocks) - -(-over // 8)]
    return (*rest, Sack(blocks)) if blocks else tuple(rest[:-2])


def genuine(ctx: StackContext, key: bytes, segment: Segment) -> bool:
    """Section 2.0: whether a segment is of whoever has the key; if not, nothing comes of it."""
    option = segment.option(Md5)
    if option is None or not key:
        return option is None and not key
    return option.digest == md5_digest(key, ctx.config.ends.turned, segment)


def key_for(ctx: StackContext, tcb: Tcb | None, local_port: int) -> bytes:
    """The key of a connection; without one that of the listener, which knows the peer too."""
    owner = tcb or ctx.listeners.get(local_port)
    return owner.md5_key if owner is not None else b""
