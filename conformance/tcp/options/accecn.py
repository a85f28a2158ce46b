"""Accurate ECN (RFC 9768 section 3.2.3): what came with each mark, in octets modulo 2**24.

The two kinds hold the same counters in opposite orders; from the end of either any may be left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.tcp.options.base import NumberField, OptionFamily, Text

_SIZES: Final = (0, 3, 6, 9)  # octets


@dataclass(frozen=True, slots=True)
class AccEcn0:
    """EE0B, ECEB and EE1B, as far as they are there: ECT(0) first."""

    counters: tuple[int, ...] = ()

    @property
    def kind(self) -> int:
        return 172

    def encode(self) -> bytes:
        return _encode(172, self.counters)


@dataclass(frozen=True, slots=True)
class AccEcn1:
    """EE1B, ECEB and EE0B, as far as they are there: ECT(1) first."""

    counters: tuple[int, ...] = ()

    @property
    def kind(self) -> int:
        return 174

    def encode(self) -> bytes:
        return _encode(174, self.counters)


def _encode(kind: int, counters: tuple[int, ...]) -> bytes:
    if len(counters) > 3:
        raise ValueError("there are three counters")
    body = b"".join(counter.to_bytes(3) for counter in counters)
    return bytes((kind, len(body) + 2)) + body


def _counters(body: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(body[at : at + 3]) for at in range(0, len(body), 3))


def _decode0(body: bytes) -> AccEcn0 | None:
    return AccEcn0(_counters(body)) if len(body) in _SIZES else None


def _decode1(body: bytes) -> AccEcn1 | None:
    return AccEcn1(_counters(body)) if len(body) in _SIZES else None


_E0, _CE, _E1 = (NumberField(3, field=name) for name in ("EE0B", "ECEB", "EE1B"))
ACCECN0: Final = OptionFamily(172, "accecn0", AccEcn0, _decode0, Text((_E0, _CE, _E1), fewer=True))
ACCECN1: Final = OptionFamily(174, "accecn1", AccEcn1, _decode1, Text((_E1, _CE, _E0), fewer=True))
