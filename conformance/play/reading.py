"""What an application reads, held to what the tester wrote, urgent octets among it.

Rules:

- Urgent data is in the stream, and a TCP may hand its last octet on apart (RFC 6093, section 3.1).
  So an octet that a pointer named may be missing where the application reads, unless SO_OOBINLINE
  was set before its URG was sent. It never has to be: some TCPs know no octet out of band, and an
  older mark falls back into the stream when a newer one takes its place (RFC 6093, section 3.2).
- The pointer names the octet after the urgent data (RFC 9293, section 3.8.5), or the last urgent
  one, as RFC 1122 had it; Linux does either (net.ipv4.tcp_stdurg). One socket reads it one way.
- A pointer of 0 names the octet before the segment, or, on Linux, its first.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from conformance.tcp.stream import octets

Octets = frozenset[int]  # offsets in the stream: 0 is the first octet


@dataclass(frozen=True, slots=True)
class Mark:
    """What one urgent pointer may name: as RFC 9293 has it, and as RFC 1122 had it."""

    readings: tuple[Octets, Octets]

    @classmethod
    def of(cls, seq: int, pointer: int, *, syn: bool = False) -> Mark:
        """The mark of a segment; ``seq`` is relative. Text on a SYN begins one number later."""
        starts = (seq - 1, seq) if syn else (seq - 1,)
        last = {start + pointer - 1 for start in starts}
        after = {start + pointer for start in starts}
        return cls((frozenset(last if pointer else last | after), frozenset(after)))


class Stream:
    """What one side's octets are: the stream function, but for text that a case wrote itself."""

    def __init__(self) -> None:
        self._texts: list[tuple[int, bytes]] = []
        self.marks: list[Mark] = []

    def write(self, offset: int, text: bytes) -> None:
        """From ``offset`` (0: the first octet) on the octets are this text."""
        self._texts.append((offset, text))

    def unwrite(self, offset: int) -> None:
        """From ``offset`` on nothing was written after all."""
        kept = [(start, text[: max(0, offset - start)]) for start, text in self._texts]
        self._texts = [(start, text) for start, text in kept if text]

    def octets(self, offset: int, count: int) -> bytes:
        """The ``count`` octets from ``offset``; what lies before the stream reads as the rule."""
        found = bytearray(octets(offset, count))
        for start, text in self._texts:
            left, right = max(start, offset), min(start + len(text), offset + count)
            if left < right:
                found[left - offset : right - offset] = text[left - start : right - start]
        return bytes(found)

    def urgent(self, text: bytes) -> bool:
        """Whether this text, read out of band, ends in an octet that a mark names."""
        named = {at for mark in self.marks for reading in mark.readings for at in reading}
        starts = (at + 1 - len(text) for at in named)
        return any(start >= 0 and self.octets(start, len(text)) == text for start in starts)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first octet that is not the stream's: its offset, what is right there, what was read."""

    offset: int
    right: bytes
    read: bytes


class ReadPlaces:
    """How far an application has read: every place where it may be, for each reading."""

    def __init__(self) -> None:
        self._in_line: int | None = None  # the first mark whose octet has to be in the stream
        self.begin()

    def begin(self) -> None:
        """A stream begins: nothing of it was read, and every look begins where a read would."""
        self._places: list[Octets] = [frozenset({0}), frozenset({0})]
        self._in_line = None if self._in_line is None else 0
        self._peeks: list[Octets] | None = None  # where the next look begins, if elsewhere

    def in_line(self, stream: Stream, *, on: bool) -> None:
        """SO_OOBINLINE was set or cleared; it holds for the marks that come after it."""
        if not on:
            self._in_line = None
        elif self._in_line is None:
            self._in_line = len(stream.marks)

    def peeks_go_on(self, offset: int) -> None:
        """SO_PEEK_OFF: looks go on where the last ended, from so far ahead; below 0: no more."""
        ahead = [frozenset(at + offset for at in places) for places in self._places]
        self._peeks = ahead if offset >= 0 else None

    def peek(self, stream: Stream, data: bytes) -> Mismatch | None:
        """Hold what was only looked at to the stream, and stay here."""
        places = self._places
        self._places = places if self._peeks is None else self._peeks
        wrong = self._move(stream, data)
        if self._peeks is not None:
            self._peeks = self._places
        self._places = places
        return wrong

    def read(self, stream: Stream, data: bytes) -> Mismatch | None:
        """Move on over what was read; None if it is the stream's."""
        wrong = self._move(stream, data)
        if self._peeks is not None and max(map(_last, self._peeks)) < max(map(_last, self._places)):
            self._peeks = self._places
        return wrong

    def _move(self, stream: Stream, data: bytes) -> Mismatch | None:
        loose = stream.marks[: self._in_line]
        found: list[Octets] = []
        wrong: list[tuple[int, int]] = []  # how much was right, and where that ended
        for reading, places in enumerate(self._places):
            apart = frozenset(at for mark in loose for at in mark.readings[reading])
            after, count = _follow(stream, places, data, apart)
            found.append(after if count == len(data) else frozenset())
            if count < len(data) and after:
                wrong.append((count, min(after)))
        if not any(found):
            count, offset = max(wrong)
            right = stream.octets(offset, len(data) - count)
            return Mismatch(offset, right, data[count:])
        self._places = found
        return None


def _last(places: Octets) -> int:
    return max(places, default=0)


def _follow(
    stream: Stream, places: Octets, data: bytes, apart: Collection[int]
) -> tuple[Octets, int]:
    """Where a reader may be after ``data``, and how much of it was right (all, or it stops)."""
    if not places:
        return places, 0
    first = min(places)
    right = stream.octets(first, len(data) + max(places) - first + len(apart) + 1)
    if not apart and len(places) == 1 and right.startswith(data):
        return frozenset({first + len(data)}), len(data)
    for count, octet in enumerate(data):
        near = set(places)
        for place in sorted(places):
            while place in apart:
                place += 1
                near.add(place)
        nxt = frozenset(place + 1 for place in near if right[place - first] == octet)
        if not nxt:
            return frozenset(places), count
        places = nxt
    return places, len(data)
