"""A target that errs in one place: every answer of a case is spoilt once, in every way.

A case whose verdict is the same when the target's answer is wrong does not check that answer. So
each segment that arrived in a passing run comes again with a flag flipped, SEQ or ACK off by one,
an octet changed, dropped, doubled, late; each state that was read is replaced, and each thing that
was told by name; each transition that a path asserts has another before it; each call fails.
:func:`survivors` lists what the case let pass.

What is left out is what a case cannot see by its nature, and nothing else: PSH where the case
leaves it free (RFC 9293 3.9.1.2 does), the ISN itself while nothing else refers to it, the
absence and the free numbers of what the case only allows, a number beside one that does as well,
one more loss where segments are lost, and all of a segment that the network lost.
A mutant that an ``allow`` took, or that led into another branch of an ``either``, is what the case
permits.

Two shortcuts: the steps of ``given`` are a case of their own, and judged there; of the segments
that one ``collect`` took, or one fragment that is included again and again, the first and the
last two stand for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Final

from conformance.case.lint import every_step
from conformance.case.spans import Span
from conformance.case.step import Step
from conformance.case.told import CA_STATES
from conformance.case.verbs.collect import Collect
from conformance.case.verbs.info import Info
from conformance.case.verbs.net import Net
from conformance.case.verbs.state import InState
from conformance.notation.expr import Range, Value
from conformance.play.conversation import Conversation
from conformance.play.estimate import most
from conformance.play.keys import NONE as NO_KEYS
from conformance.play.keys import Keys, keys_of
from conformance.play.record import Record, What
from conformance.play.verdict import Outcome
from conformance.sim.world import Tamper
from conformance.tcp.authentication import md5_digest, with_digest
from conformance.tcp.flags import ACE, NONE, WRITTEN, Flags, names
from conformance.tcp.options import Md5, Option
from conformance.tcp.segment import Segment
from conformance.tcp.seq import wrap
from conformance.tcp.states import State

PASSING: Final = (Outcome.PASS, Outcome.DEVIATES)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: ``where`` counts arrivals, state steps, names, transitions or returns from 0."""

    kind: str
    where: int
    how: str

    def __str__(self) -> str:
        return f"{self.kind} {self.where}: {self.how}"


Change = Callable[[Segment], Segment]
Play = Callable[[Tamper], Record]


def _changes(segment: Segment) -> dict[str, Change]:
    """Every way in which one segment can be wrong and still be a segment."""
    found: dict[str, Change] = {
        f"flip {names(flag)[0]}": lambda s, f=flag: replace(s, flags=s.flags ^ f)  # type: ignore[misc]
        for flag in WRITTEN
    }
    found["seq+1"] = lambda s: replace(s, seq=wrap(s.seq + 1))
    found["seq-1"] = lambda s: replace(s, seq=wrap(s.seq - 1))
    if Flags.ACK in segment.flags:
        found["ack+1"] = lambda s: replace(s, ack=wrap(s.ack + 1))
        found["ack-1"] = lambda s: replace(s, ack=wrap(s.ack - 1))
    if segment.ip.sender:
        found["source"] = lambda s: replace(s, ip=replace(s.ip, sender=""))
    if segment.option(Md5) is not None:
        found["unsigned"] = lambda s: replace(s, options=tuple(_unsigned(s)))
    if segment.payload:
        found["octet"] = lambda s: replace(s, payload=s.payload[:-1] + bytes((s.payload[-1] ^ 1,)))
    return found


def _unsigned(segment: Segment) -> Iterator[Option]:
    return (one for one in segment.options if not isinstance(one, Md5))


_OFF: Final = 1 << 40  # by so much a number that is told is another: more than any range allows


class Spoiler(Tamper):
    """Applies one mutant; with none it counts."""

    def __init__(
        self, mutant: Mutant | None = None, late: float = 0.0, keys: Keys = NO_KEYS
    ) -> None:
        self.mutant, self.late, self._keys = mutant, late, keys
        self.segments: list[Segment] = []
        self.transitions: list[State] = []
        self.returns = 0
        self.asked: list[tuple[Info, str]] = []  # each name that a step asked for, as played
        self.read: list[Step] = []  # the steps that read a state, as they were played

    def segment(self, segment: Segment, at: float) -> list[tuple[float, Segment]]:
        self.segments.append(segment)
        mutant = self.mutant
        if mutant is None or mutant.kind != "segment" or mutant.where != len(self.segments) - 1:
            return [(at, segment)]
        match mutant.how:
            case "drop":
                return []
            case "double":
                return [(at, segment), (at, segment)]
            case "late":
                return [(at + self.late, segment)]
        return [(at, self._signed(_changes(segment)[mutant.how](segment)))]

    def _signed(self, segment: Segment) -> Segment:
        """With the digest of what it is now: whoever errs signs what it sends."""
        if not self._keys.md5 or segment.option(Md5) is None:
            return segment
        digest = md5_digest(self._keys.md5, self._keys.ends.turned, segment)
        return with_digest(segment, Md5, digest)

    def state(self, state: State, talk: Conversation) -> State:
        mutant = self.mutant
        if not isinstance(talk.step, InState):
            return state
        if not self.read or talk.step is not self.read[-1]:
            self.read.append(talk.step)
        if mutant is None or (mutant.kind, mutant.where) != ("state", len(self.read) - 1):
            return state
        gone = talk.step.value in (State.CLOSED, State.LISTEN)
        return State.SYN_SENT if gone else State.CLOSED

    def transition(self, state: State) -> list[State]:
        self.transitions.append(state)
        where = len(self.transitions) - 1
        hit = self.mutant is not None and (self.mutant.kind, self.mutant.where) == (
            "transition",
            where,
        )
        near = self.transitions[-2:]  # a state told twice would count once
        others = (State.CLOSING, State.SYN_RECEIVED, State.CLOSE_WAIT)
        other = next(candidate for candidate in others if candidate not in near)
        return [other, state] if hit else [state]

    def told(self, text: str, talk: Conversation) -> str:
        step, mutant = talk.step, self.mutant
        if not isinstance(step, Info):
            return text
        if all(step is not asked for asked, _ in self.asked):
            self.asked += [(step, name) for name in step.value]
        if mutant is None or mutant.kind != "told" or mutant.where >= len(self.asked):
            return text
        asked, name = self.asked[mutant.where]
        words = (word.partition("=") for word in text.split())
        spoilt = {n: _other(v) if asked is step and n == name else v for n, _, v in words}
        return " ".join(f"{n}={v}" for n, v in spoilt.items())

    def errno(self, errno: str) -> str:
        self.returns += 1
        mutant = self.mutant
        hit = mutant is not None and (mutant.kind, mutant.where) == ("call", self.returns - 1)
        return "EIO" if hit else errno


def _other(value: str) -> str:
    """Anything else that might be told."""
    if value.isdigit():
        return str(int(value) + _OFF)
    return CA_STATES[CA_STATES.index(value) - 1]


def mutants(record: Record, counted: Spoiler) -> Iterator[Mutant]:
    """Every mutant of a run that passed."""
    taken = _taken(record)
    alike, (lost, repairs) = _alike(counted.segments, taken), _networked(record)
    for where, segment in enumerate(counted.segments):
        step = taken.get(id(segment))
        if where in alike or id(segment) in lost or _among(step, record.case.given):
            continue
        for how in (*_changes(segment), "drop", "double", "late"):
            if step is not None and step.leaves_free:
                continue
            if how == "flip PSH" and not _writes_psh(step):
                continue
            if how in {f"flip {name}" for name in names(_maybe(step))}:
                continue
            if how == "unsigned" and _may_lack_signature(step):
                continue
            if how.startswith("seq") and _isn_alone(counted.segments, where):
                continue
            if step is not None and step.may_not_come and _left_free(step, how):
                continue
            repaired = step is not None and (step.has_repaired or id(segment) in repairs)
            if repaired and how in ("drop", "double", "late"):
                continue
            yield Mutant("segment", where, how)
    for where, step in enumerate(counted.read):
        if not _among(step, record.case.given):
            yield Mutant("state", where, "another")
    for where, (asked, name) in enumerate(counted.asked):
        if not _among(asked, record.case.given):
            yield Mutant("told", where, f"another {name}")
    way = _on_the_way(record)
    for where, state in enumerate(counted.transitions):
        if state in way:
            yield Mutant("transition", where, "another before it")
    for where in range(counted.returns):
        yield Mutant("call", where, "EIO")


def survivors(record: Record, counted: Spoiler, play: Play) -> list[Mutant]:
    """The mutants under which the case still passes, and remarks on nothing; none is right."""
    late, keys = most(record.case, record.profile) + 1.0, keys_of(record.case, record.addressing)
    found = []
    for mutant in mutants(record, counted):
        spoiler = Spoiler(mutant, late, keys)
        played = play(spoiler)
        lives = played.verdict is None or played.verdict.outcome in PASSING
        if (
            lives
            and _remark(played) == _remark(record)
            and not _permitted(record, counted, played, spoiler)
        ):
            found.append(mutant)
    return found


def _remark(record: Record) -> str:
    """What is said beside the verdict."""
    return record.verdict.reason if record.verdict is not None else ""


def _permitted(record: Record, counted: Spoiler, played: Record, spoiler: Spoiler) -> bool:
    """Whether the mutant's run went where the case lets it go, and the first run did not."""
    before = [*_played(record), *counted.read]
    after = [*_played(played), *spoiler.read]
    if any(not _among(step, before) for step in after):
        return True  # another branch
    return _allowed(played) > _allowed(record)


def _played(record: Record) -> list[Step]:
    steps = (step for entry in record.entries for step in (entry.step, entry.taken))
    return [step for step in steps if step is not None]


def _allowed(record: Record) -> int:
    return sum(entry.taken is not None and entry.taken.may_not_come for entry in record.entries)


def _among(step: Step | None, steps: Iterable[Step]) -> bool:
    return any(step is other for other in steps)


def _alike(segments: list[Segment], taken: dict[int, Step]) -> set[int]:
    """The segments that others stand for, because the same line of a file took them all."""
    runs: dict[Span, list[int]] = {}
    for where, segment in enumerate(segments):
        step = taken.get(id(segment))
        if step is not None:
            runs.setdefault(step.span, []).append(where)
    return {where for run in runs.values() for where in run[1:-2]}


def _networked(record: Record) -> tuple[set[int], set[int]]:
    """What a ``net:`` lost, which nobody sees, and what a collect took under one that loses."""
    lost: set[int] = set()
    repairs: set[int] = set()
    under = False
    for entry in record.entries:
        if isinstance(entry.step, Net) and entry.what is What.NOTE:
            under = entry.step.value.repairs
        lost |= {id(entry.segment)} if entry.lost and entry.network else set()
        repairs |= {id(entry.segment)} if under and isinstance(entry.taken, Collect) else set()
    return lost, repairs


def _left_free(step: Step, how: str) -> bool:
    """Whether an ``allow`` is no narrower than this: that it comes, and the numbers not written."""
    written = {name for segment in step.patterns for name in segment.fields}
    return how in ("drop", "late") or how[:3] in {"seq", "ack"} - written


def _taken(record: Record) -> dict[int, Step]:
    """The step that took each segment, by the segment's identity."""
    return {
        id(entry.segment): entry.taken
        for entry in record.entries
        if entry.what is What.RECEIVED and entry.taken is not None
    }


def _maybe(step: Step | None) -> Flags:
    """The flags that it says may be set; the bits of ACE where that is not one number."""
    patterns = step.patterns if step is not None else ()
    counted = any(not _one(pattern.fields.get("ace")) for pattern in patterns)
    ways = [(one.flags ^ pattern.flags) for pattern in patterns for one in pattern.ways]
    one_bit = (bits for bits in ways if bits.bit_count() == 1)
    free = reduce(or_, (pattern.maybe for pattern in patterns), ACE if counted else NONE)
    return reduce(or_, one_bit, free)


def _one(value: Value | None) -> bool:
    return value is None or (isinstance(value, Range) and value.high is None)


def _may_lack_signature(step: Step | None) -> bool:
    lists = [pattern.options for pattern in step.patterns] if step is not None else []
    return any(one.optional and one.name == "md5" for each in lists if each for one in each.options)


def _writes_psh(step: Step | None) -> bool:
    patterns = step.patterns if step is not None else ()
    return any(pattern.exact or Flags.PSH in pattern.flags for pattern in patterns)


def _isn_alone(segments: list[Segment], where: int) -> bool:
    """Whether a SYN shows an ISN that no later segment of its incarnation refers to."""
    segment = segments[where]
    if Flags.SYN not in segment.flags:
        return False
    later = next((s for s in segments[where + 1 :] if s.dport == segment.dport), None)
    return later is None or (Flags.SYN in later.flags and later.seq != segment.seq)


def _on_the_way(record: Record) -> set[State]:
    """The states before which ``via`` allows no other."""
    return {
        state
        for step in every_step(record.case.all_steps)
        if isinstance(step, InState) and step.via
        for state in (*step.via, step.value)[1:]
    }
