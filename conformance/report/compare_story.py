"""What a target did in one conversation, so that two of them can be held side by side.

Rules:

- A story is told by connection: the segments in the order they came, the calls in the order the
  case made them, the states in the order they were entered. Between these nothing is compared:
  whether an ACK overtook a call's return is the machine's affair.
- Sequence numbers are relative. Ports, ISNs, windows that are not shut, the values of timestamps
  and the octets of options that nobody knows are no behaviour; nor is PSH in real time, where it
  says how far the application was ahead.
- Of each connection the first other options are told, the first other time, and what comes where
  the two do not fit together any more: after that nothing can be compared.
- A time counts from what may have caused it: the last thing that the tester sent or called, or the
  target's own last segment. Two times are the same where one of these is, within the noise.
- Noise is the greatest of: an eighth of the longer time (Linux's timer wheel rounds up by as
  much); a tick, 10 ms in virtual time and 30 ms in real time; to the tick both harnesses' own
  lateness is added, as it was measured.
- What one side did at the very end, when the other had stopped looking, is no difference.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import zip_longest
from typing import Final

from conformance.case.arguments import ENDS
from conformance.case.calls import names_new_socket
from conformance.case.verbs.call import OfCall
from conformance.notation.call import CallText, Word
from conformance.play.events import CallReturned
from conformance.play.profile import Ability
from conformance.play.record import Entry, Record, What
from conformance.report.ladder import moment
from conformance.tcp.flags import Flags

PART: Final = 1 / 8
TICK: Final = 0.010  # seconds: one of HZ=100, the coarsest that Linux has
LIVE_TICK: Final = 0.030  # seconds: what a machine with other things to do makes of it
_LOOSE: Final = re.compile(r"(?<=\bTS )\d+/\d+|(?<=\bkind )(\d+) 0x[0-9a-f]+")
_OPTIONS: Final = re.compile(r" <[^>]*>")
_PUSH: Final = re.compile(r"\bPSH,|,PSH\b")
_KINDS: Final = {What.RECEIVED: "segment", What.CALL: "call", What.STATE: "state"}


class ChangeKind(StrEnum):
    """In what a behaviour differs."""

    SEGMENT = "another segment"
    OPTIONS = "other options"
    MORE = "one segment more"
    LESS = "one segment less"
    ORDER = "another order"
    TIME = "another time"
    CALL = "another result of a call"
    STATE = "another state"
    END = "another end"


@dataclass(frozen=True, slots=True)
class BehaviourDifference:
    """One thing that differs: on both sides, in words, and when, in seconds of the run."""

    change: ChangeKind
    a: str
    b: str
    at: float


@dataclass(frozen=True, slots=True)
class TargetAct:
    """One thing that the target did, ``since`` seconds after each that it may count from."""

    text: str
    at: float
    since: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """All that the target did, by kind and connection; ``length`` is how long one looked."""

    told: Mapping[tuple[str, str], Sequence[TargetAct]]
    end: str
    length: float
    late: float
    virtual: bool
    path: bool

    @staticmethod
    def of(record: Record) -> Story:
        """The story of a record that has been judged."""
        verdict = record.verdict
        step = verdict.step if verdict else None
        profile = record.profile
        return Story(
            _told(record),
            f"{step.span.line}: {step.text}" if step else "the end",
            record.length,
            verdict.lateness if verdict else 0.0,
            profile.virtual,
            Ability.PATH in profile.abilities,
        )


def differences(a: Story, b: Story) -> tuple[BehaviourDifference, ...]:
    """Where two stories of one case differ, in time; empty where that is only noise."""
    held = _Held(a, b)
    found = [one for key in {**a.told, **b.told} for one in held.channel(*key)]
    if not found and a.end != b.end:
        found = [BehaviourDifference(ChangeKind.END, a.end, b.end, max(a.length, b.length))]
    return tuple(sorted(found, key=lambda one: one.at))


# ---- the story of a record -----------------------------------------------------------------------


def _told(record: Record) -> dict[tuple[str, str], list[TargetAct]]:
    began = {
        round(event.at - record.started, 6): event.started - record.started
        for _, event in record.events
        if isinstance(event, CallReturned)
    }
    causes = sorted(_causes(record.entries, began))
    wire = sorted(e.at for e in record.entries if e.what in (What.SENT, What.RECEIVED))
    told: dict[tuple[str, str], list[TargetAct]] = {}
    for entry in record.entries:
        if entry.what not in _KINDS or (
            entry.what is What.CALL and not isinstance(entry.step, OfCall)
        ):
            continue
        before = told.setdefault((_KINDS[entry.what], entry.conn), [])
        if entry.what is What.CALL:
            start = began.get(round(entry.at, 6), entry.at)
            since = entry.at - start, entry.at - _last(wire, entry.at)
        else:
            since = entry.at - _last(causes, entry.at), entry.at - (before[-1].at if before else 0)
        before.append(TargetAct(_text(entry), entry.at, since))
    return told


def _causes(entries: Sequence[Entry], began: Mapping[float, float]) -> Iterator[float]:
    for entry in entries:
        if entry.what in (What.SENT, What.ICMP, What.CALL):
            yield entry.at
        if entry.what is What.CALL:
            yield began.get(round(entry.at, 6), entry.at)


def _last(times: Sequence[float], at: float) -> float:
    """The last of these times that is not after ``at``; the start where there is none."""
    place = bisect_right(times, at)
    return times[place - 1] if place else 0.0


def _text(entry: Entry) -> str:
    segment, step = entry.segment, entry.step
    if entry.what is What.CALL and isinstance(step, OfCall):
        name = names_new_socket(step.value) or _end(step.value)
        return re.sub(r" = \d+$", f" = {name}", entry.text) if name else entry.text
    if segment is None:
        return entry.text
    text = _LOOSE.sub(lambda found: f"{found[1]} *" if found[1] else "*/*", entry.text)
    shut = segment.window == 0 and not segment.flags & Flags.RST
    return text + " win=0" * shut + "".join(f" ({one})" for one in segment.trouble)


def _end(call: CallText) -> str | None:
    """Whose port the case asks for: the number is no behaviour."""
    return call.result.text if isinstance(call.result, Word) and call.result.text in ENDS else None


# ---- two of them ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Held:
    """Two stories, and what is noise between them."""

    a: Story
    b: Story

    def noise(self, one: float, other: float = 0.0) -> float:
        """Seconds by which two times may differ."""
        tick = TICK if self.virtual else LIVE_TICK
        return max(PART * max(one, other), tick + self.a.late + self.b.late)

    @property
    def virtual(self) -> bool:
        return self.a.virtual and self.b.virtual

    def told(self, story: Story, key: tuple[str, str]) -> Sequence[TargetAct]:
        """What is to be compared of one kind on one connection."""
        found = story.told.get(key, ())
        if self.virtual or key[0] != "segment":
            return found
        return [replace(one, text=_PUSH.sub("", one.text)) for one in found]

    def channel(self, kind: str, conn: str) -> Iterator[BehaviourDifference]:
        """The differences of one kind on one connection."""
        a, b = (self.told(story, (kind, conn)) for story in (self.a, self.b))
        if kind == "state" and not (self.a.path and self.b.path):
            if not _within(a, b) and not _within(b, a):
                yield _whole(ChangeKind.STATE, a, b)
            return
        seen: set[ChangeKind] = set()
        for place, (one, other) in enumerate(zip_longest(a, b)):
            if one is None or other is None or _bare(one.text) != _bare(other.text):
                if not self._unseen(one, other):
                    yield _parted(kind, a[place:], b[place:])
                return
            for found in self._apart(one, other):
                if found.change not in seen:
                    yield found
                seen.add(found.change)

    def _apart(self, one: TargetAct, other: TargetAct) -> Iterator[BehaviourDifference]:
        """How two moments differ that are the same thing."""
        if one.text != other.text:
            yield BehaviourDifference(
                ChangeKind.OPTIONS, one.text, other.text, min(one.at, other.at)
            )
        times = zip(one.since, other.since, strict=True)
        if all(abs(x - y) > self.noise(x, y) for x, y in times):
            yield _times(one, other)

    def _unseen(self, one: TargetAct | None, other: TargetAct | None) -> bool:
        """Whether it came so late that the other side may just not have looked any more."""
        if one is not None and other is None:
            return one.at + self.noise(min(one.since)) >= self.b.length
        if other is not None and one is None:
            return other.at + self.noise(min(other.since)) >= self.a.length
        return False


def _bare(text: str) -> str:
    """A segment without its options; any other text as it is."""
    return _OPTIONS.sub("", text)


def _within(few: Sequence[TargetAct], many: Sequence[TargetAct]) -> bool:
    """Whether all of the one stand in the other, in this order."""
    rest = iter(one.text for one in many)
    return all(one.text in rest for one in few)


def _whole(
    change: ChangeKind, a: Sequence[TargetAct], b: Sequence[TargetAct]
) -> BehaviourDifference:
    first, second = (", ".join(one.text for one in side) or "nothing" for side in (a, b))
    return BehaviourDifference(change, first, second, min(one[0].at for one in (a, b) if one))


def _parted(kind: str, a: Sequence[TargetAct], b: Sequence[TargetAct]) -> BehaviourDifference:
    """Two rests that begin with different texts, or of which one is empty."""
    at = min(one[0].at for one in (a, b) if one)
    texts = [[one.text for one in side] for side in (a, b)]
    first, second = (side[0] if side else "nothing" for side in texts)
    if kind != "segment":
        return BehaviourDifference(
            ChangeKind.CALL if kind == "call" else ChangeKind.STATE, first, second, at
        )
    if Counter(texts[0]) == Counter(texts[1]):
        return BehaviourDifference(ChangeKind.ORDER, first, second, at)
    if not a or (len(b) > 1 and texts[1][1] == first):
        return BehaviourDifference(ChangeKind.MORE, "-", second, at)
    if not b or (len(a) > 1 and texts[0][1] == second):
        return BehaviourDifference(ChangeKind.LESS, first, "-", at)
    return BehaviourDifference(ChangeKind.SEGMENT, first, second, at)


def _times(one: TargetAct, other: TargetAct) -> BehaviourDifference:
    """The same text at two times, counted from where they are nearest."""
    _, x, y = min((abs(x - y), x, y) for x, y in zip(one.since, other.since, strict=True))
    first, second = (f"{one.text} after {moment(time).strip()}" for time in (x, y))
    return BehaviourDifference(ChangeKind.TIME, first, second, min(one.at, other.at))
