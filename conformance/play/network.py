"""The network between the two ends, as a case asks for it: a function of seed and order.

Rules:

- Each way has its own count, from the step that changes it on. What befalls the segment of a
  number follows from the rules, the seed, the way and the number, and from nothing else.
- A segment that is reordered is held until so many others that are not have passed, or for
  ``HELD`` seconds: then none is behind it.
- It comes out in the order of its times, what is due at one time in the order of its going in.
- A packet larger than the MTU is lost where it may not be fragmented; else it comes whole, as its
  fragments are put together again (RFC 791 section 3.2).
- It does no I/O and owns no clock: what is due by when, it says.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Generic, TypeVar

from conformance.case.net import NOTHING, ChosenSegments, NetText
from conformance.tcp import options as tcp
from conformance.tcp.segment import Segment

HELD: Final = 0.05  # seconds; below the RTO of any TCP that we know
HEADERS: Final = {4: 20, 6: 40}
_TCP: Final = 20

_Item = TypeVar("_Item")


class Fate(StrEnum):
    """What befell a segment, as a ladder says it; empty: it went through."""

    THROUGH = ""
    LOST = "lost"
    TOO_BIG = "too big"
    DOUBLED = "doubled"
    HELD = "held back"


@dataclass(slots=True)
class _Held(Generic[_Item]):
    """One that waits for so many others; ``until`` at the latest."""

    item: _Item
    left: int
    until: float


@dataclass(slots=True)
class NetworkWay(Generic[_Item]):
    """One of the two ways. ``lag`` is the delay, seconds."""

    name: str
    rules: NetText = NOTHING
    lag: float = 0.0
    acts: bool = False  # whether a step has ever changed it
    _count: int = 0
    _order: Iterator[int] = field(default_factory=itertools.count)
    _queue: list[tuple[float, int, Fate, _Item]] = field(default_factory=list)
    _held: list[_Held[_Item]] = field(default_factory=list)

    def change(self, rules: NetText, lag: float) -> None:
        """Other rules from now on; what is on its way stays as it was."""
        self.rules, self.lag, self.acts, self._count = rules, lag, True, 0

    def enter(self, item: _Item, segment: Segment, at: float, ip: int) -> Fate:
        """A segment goes in; what befalls it."""
        self._count += 1
        if self.rules.mtu and self.rules.mtu < size(segment, ip) and unfragmented(segment, ip):
            return Fate.TOO_BIG
        if self._chosen(self.rules.loss, "loss"):
            return Fate.LOST
        if self._chosen(self.rules.reorder, "reorder"):
            self._held.append(_Held(item, self.rules.by, at + self.lag + HELD))
            return Fate.HELD
        self._push(at + self.lag, Fate.THROUGH, item)
        twice = self._chosen(self.rules.duplicate, "duplicate")
        if twice:
            self._push(at + self.lag, Fate.DOUBLED, item)
        self._let_go(at + self.lag)
        return Fate.DOUBLED if twice else Fate.THROUGH

    def _chosen(self, which: ChosenSegments, what: str) -> bool:
        if which.places:
            return self._count in which.places
        if not which:
            return False
        from hashlib import sha256  # OpenSSL is slow to load, and few cases draw lots

        said = f"{self.rules.seed} {self.name} {what} {self._count}"
        lot = int.from_bytes(sha256(said.encode()).digest()[:4])
        return lot * 100 < which.percent * (1 << 32)

    def _push(self, at: float, fate: Fate, item: _Item) -> None:
        heapq.heappush(self._queue, (at, next(self._order), fate, item))

    def _let_go(self, at: float) -> None:
        """Another has passed those that are held."""
        for one in list(self._held):
            one.left -= 1
            if not one.left:
                self._held.remove(one)
                self._push(max(at, one.until - HELD), Fate.HELD, one.item)

    @property
    def next(self) -> float | None:
        """When something comes out; None: nothing is on its way."""
        if not self._held:
            return self._queue[0][0] if self._queue else None
        times = [one.until for one in self._held]
        return min(times + [at for at, *_ in self._queue[:1]])

    def out(self, now: float) -> Iterator[tuple[float, Fate, _Item]]:
        """What has come out by now: when, what befell it, and what it is."""
        while True:
            for one in [one for one in self._held if one.until <= now]:
                self._held.remove(one)
                self._push(one.until, Fate.HELD, one.item)
            if not self._queue or self._queue[0][0] > now:
                return
            at, _, fate, item = heapq.heappop(self._queue)
            yield at, fate, item


def size(segment: Segment, ip: int) -> int:
    """The octets of its packet."""
    fields = segment.ip
    extra = len(fields.options) + sum(
        len(one) + 2 for one in (fields.hop_by_hop, fields.destination) if one
    )
    return HEADERS[ip] + extra + _TCP + len(tcp.encode(segment.options)) + len(segment.payload)


def unfragmented(segment: Segment, ip: int) -> bool:
    """Whether no router may cut it (RFC 8200 section 5 of IPv6: none ever)."""
    return ip == 6 or bool(segment.ip.number("df"))
