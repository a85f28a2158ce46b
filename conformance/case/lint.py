"""What reads well and is still wrong: names that nothing gave, steps that can check nothing.

The steps are walked in the order they are played, with the names that exist at each point. The
branches of an ``either`` begin from the same names; after it only those exist that every branch
gave. A deviation is walked as the target plays it: with its steps in place of those it replaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from conformance.case import alone, calls, freed, ip, lengths, ports, rounds, signed, third_host
from conformance.case.faults import Faults
from conformance.case.model import Case, Deviation
from conformance.case.spans import Span
from conformance.case.step import Step
from conformance.case.verbs import VERBS
from conformance.case.verbs.call import Join, OfCall, Spawn
from conformance.case.verbs.either import Either
from conformance.case.verbs.info import Info
from conformance.case.verbs.repeat import Repeat
from conformance.notation.call import CallText
from conformance.notation.expr import TCB_NAMES, Name, Value, members
from conformance.notation.ip import UNWRITTEN, IpText
from conformance.notation.printer import print_call
from conformance.notation.scanner import suggest
from conformance.notation.segment import SegmentText

_BEGIN: Final = ", ".join(verb.verb for verb in VERBS if verb.begins_branch)


@dataclass(slots=True)
class _Scope:
    """The names at one point: ``maybe`` are those that only some branches gave."""

    labels: dict[str, Step] = field(default_factory=dict)
    maybe: dict[str, Step] = field(default_factory=dict)
    sockets: set[str] = field(default_factory=set)
    maybe_sockets: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    spawned: list[str] = field(default_factory=list)

    def copy(self) -> _Scope:
        return _Scope(dict(self.labels), dict(self.maybe), set(self.sockets),
                      set(self.maybe_sockets), set(self.closed), list(self.spawned))  # fmt: skip

    def merge(self, ends: list[_Scope]) -> None:
        """Go on after branches that ended so."""
        given = {name: step for end in ends for name, step in (end.maybe | end.labels).items()}
        sockets = {name for end in ends for name in end.sockets | end.maybe_sockets}
        self.labels = {n: s for n, s in given.items() if all(n in end.labels for end in ends)}
        self.maybe = {n: s for n, s in given.items() if n not in self.labels}
        self.sockets = set.intersection(*(end.sockets for end in ends))
        self.maybe_sockets = sockets - self.sockets
        self.closed = set.intersection(*(end.closed for end in ends))
        self.spawned = [c for c in ends[0].spawned if all(c in end.spawned for end in ends)]


def lint(case: Case, faults: Faults) -> None:
    """Note everything that is wrong with a decoded case."""
    walk = _Walk(case, faults)
    every = list(every_step(case.all_steps))
    walk.whole(case.all_steps, every)
    for step, message, hint in freed.flaws(case.all_steps):
        walk.fault(step, "", message, hint)
    for flaw in third_host.flaws(every):
        walk.fault(*flaw)
    for place, message, hint in ports.flaws(case.ports, every):
        faults.add(place, message, hint)
    if "fragments" not in case.id.split("/") and not any(step.checks for step in case.steps):
        hint = "end with what the target must do, or with silence: 500ms"
        faults.add(case.span, "no step of this case checks anything", hint)
    if not _versions(every):
        hint = "of IPv4 are options, of IPv6 flow, hop-by-hop and destination"
        faults.add(case.span, "no IP version has all that this case asks of it", hint)
    seen: set[tuple[str, str, str]] = set()
    for deviation in case.deviations:
        if faults.full:
            return
        key = (deviation.target, deviation.step, deviation.versions)
        if key in seen:
            message = f"{deviation.target} already deviates at {deviation.step}"
            faults.add(deviation.span, message, "put both into one instead:")
        seen.add(key)
        changed = deviate(case.all_steps, deviation)
        if changed is None:
            _no_place(case, deviation, faults)
        elif not faults:
            when = f"so it is when {deviation.target} deviates at {deviation.step}"
            _Walk(case, faults, when).whole(changed, every_step(changed))


def deviate(steps: tuple[Step, ...], deviation: Deviation) -> tuple[Step, ...] | None:
    """The steps as the deviating target plays them; None when they are not there."""
    place = deviation.place(steps)
    if place is not None:
        first, last = place
        return (*steps[:first], *deviation.instead, *steps[last + 1 :])
    for i, step in enumerate(steps):
        for j, branch in enumerate(step.branches):
            changed = deviate(branch.steps, deviation)
            if changed is not None:
                branches = list(step.branches)
                branches[j] = replace(branch, steps=changed)
                return (*steps[:i], step.with_branches(tuple(branches)), *steps[i + 1 :])
    return None


def every_step(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps and those of their branches, in written order."""
    for step in steps:
        yield step
        for branch in step.branches:
            yield from every_step(branch.steps)


def ip_versions(case: Case) -> frozenset[int]:
    """Those over which the case can be played: all that it writes of the IP layer is there."""
    return _versions(list(every_step(case.all_steps)))


def _versions(steps: Sequence[Step]) -> frozenset[int]:
    texts = [segment.ip for step in steps for segment in step.patterns]
    called = (step.address for step in steps if isinstance(step, OfCall))
    texts += [IpText(receiver=address) for address in called if address]
    return ip.versions([text for text in texts if text != UNWRITTEN])


def _no_place(case: Case, deviation: Deviation, faults: Faults) -> None:
    labels = [step.label for step in every_step(case.all_steps) if step.label]
    for name in (deviation.step, deviation.through):
        if name and name not in labels:
            hint = suggest(name, labels) or "give the step a name with as:"
            faults.add(deviation.span, f"no step is labelled {name}", hint)
            return
    message = f"{deviation.through} does not come after {deviation.step} in the same list of steps"
    faults.add(deviation.span, message)


class _Walk:
    """The rules, step by step."""

    def __init__(self, case: Case, faults: Faults, when: str = "") -> None:
        self._case = case
        self._faults = faults
        self._when = when
        self._several: set[str] = set()  # labels that more than one step gives

    def whole(self, steps: Iterable[Step], every: Iterable[Step]) -> None:
        """Walk all steps of a case; ``every``: those of its branches too."""
        given = [step.label for step in every if step.label]
        self._several = {name for name in given if given.count(name) > 1}
        self.steps(steps, _Scope())

    def steps(self, steps: Iterable[Step], scope: _Scope) -> None:
        """Walk a list; ``scope`` ends as it is after the last step."""
        for step in steps:
            if self._faults.full:
                return
            self._step(step, scope)

    def _step(self, step: Step, scope: _Scope) -> None:
        for segment in step.patterns:
            self._names(step, segment, scope)
            self._keyed(step, segment, scope)
        if isinstance(step, OfCall):
            self._call(step, step.value, scope)
        if isinstance(step, Info):
            self._told(step, scope)
        if step.quotes:
            self._quotes(step, step.quotes, scope)
        if not step.origin:  # a fragment's own were looked at in the fragment
            for flaw in alone.flaws(step):
                self.fault(step, *flaw)
        if isinstance(step, Repeat):
            for flaw in rounds.flaws(step):
                self.fault(step, *flaw)
        if step.branches:
            self._branches(step, scope)
        if step.label:
            taken = scope.labels.get(step.label) or scope.maybe.get(step.label)
            if taken is not None:
                hint = f"first at {taken.span.path}:{taken.span.line}"
                self.fault(step, step.label, f"the label {step.label} is already taken", hint)
            scope.labels[step.label] = step

    def fault(self, step: Step, word: str, message: str, hint: str = "") -> None:
        hints = [hint, self._when]
        if step.origin and step.span.path != self._case.path:
            hints.append(f"fragment {step.origin} is used by {self._case.path}")
        self._faults.add(self._place(step, word), message, "; ".join(filter(None, hints)))

    def _place(self, step: Step, word: str) -> Span:
        """The place of a word in the step's lines, or of the verb."""
        source = self._case.sources.get(step.span.path, "").split("\n")
        pattern = re.compile(rf"(?<![\w.$]){re.escape(word)}(?![\w])") if word else None
        indent = step.span.column - 1
        for i, line in enumerate(source[step.span.line - 1 :] if pattern else ()):
            if i and line[:indent].strip():
                break
            found = pattern.search(line, indent if i == 0 else 0) if pattern else None
            if found:
                return Span(step.span.path, step.span.line + i, found.start() + 1, len(word))
        return step.span

    # Names

    def _names(self, step: Step, segment: SegmentText, scope: _Scope) -> None:
        for name in _names_in(segment):
            if name not in TCB_NAMES and not self._faults.full:
                self._label(step, name, name.partition(".")[0], scope)

    def _label(self, step: Step, word: str, label: str, scope: _Scope) -> Step | None:
        named = scope.labels.get(label)
        if named is None and label in scope.maybe:
            message = f"only some branches before this step have the label {label}"
            self.fault(step, word, message, "label a segment in every branch")
        elif named is None:
            known = [name for name, one in scope.labels.items() if one.labels_segment]
            hint = suggest(label, known) or f"label an earlier segment with as: {label}"
            self.fault(step, word, f"no step before this one is labelled {label}", hint)
        elif not named.labels_segment:
            message = f"{label} is the label of {named.verb}, not of a segment"
            self.fault(step, word, message)
        else:
            return named
        return None

    def _quotes(self, step: Step, label: str, scope: _Scope) -> None:
        named = self._label(step, label, label, scope)
        if named is not None and named.by_tester:
            hint = "an ICMP error quotes what the target sent"
            self.fault(step, label, f"{label} is a segment of the tester", hint)

    # Segments

    def _keyed(self, step: Step, segment: SegmentText, scope: _Scope) -> None:
        """What is asked of a case's keys and of its labels."""
        for word, message, hint in signed.flaws(self._case, segment, by_tester=step.by_tester):
            self.fault(step, word, message, hint)
        if step.by_tester and lengths.written(segment):
            for word, message, hint in lengths.flaws(step, segment, self._surely(scope)):
                self.fault(step, word, message, hint)

    def _surely(self, scope: _Scope) -> dict[str, Step]:
        """The labels of which it is known whose they are: no two branches gave them."""
        return {name: step for name, step in scope.labels.items() if name not in self._several}

    # Calls

    def _call(self, step: Step, call: CallText, scope: _Scope) -> None:
        if isinstance(step, Join):
            self._join(step, call, scope)
        else:
            self._socket(step, call, scope)
        if isinstance(step, Spawn):
            if call.result is not None:
                hint = f"write it at the join: {print_call(call)}"
                self.fault(step, "", "a call that blocks has no result yet", hint)
            scope.spawned.append(print_call(replace(call, result=None)))
            return
        new = calls.names_new_socket(call)
        if new is not None:
            if new in scope.sockets - scope.closed:
                hint = "choose another name, or close it first"
                self.fault(step, new, f"the socket {new} is still open", hint)
            scope.sockets.add(new)
            scope.closed.discard(new)

    def _socket(self, step: Step, call: CallText, scope: _Scope) -> None:
        socket, _ = calls.arguments(call)
        if socket is None:
            return
        self._named(step, socket, scope)
        if call.name in ("close", "abort"):
            scope.closed.add(socket)  # its name may be given again

    def _named(self, step: Step, socket: str, scope: _Scope) -> None:
        if socket in scope.maybe_sockets - scope.sockets:
            message = f"only some branches before this step have the socket {socket}"
            self.fault(step, socket, message, "name it in every branch")
        elif socket not in scope.sockets:
            hint = suggest(socket, sorted(scope.sockets)) or "as in call: accept(l) = c"
            self.fault(step, socket, f"no call before this one gave the socket {socket}", hint)

    def _told(self, step: Info, scope: _Scope) -> None:
        if step.of:
            self._named(step, step.of, scope)
        if step.of in scope.closed or not (step.of or scope.sockets - scope.closed):
            hint = "what is told of a connection is asked by a socket that is open"
            what = f"the socket {step.of} is closed here" if step.of else "no socket is open here"
            self.fault(step, step.of, what, hint)

    def _join(self, step: Step, call: CallText, scope: _Scope) -> None:
        text = print_call(replace(call, result=None))
        if text in scope.spawned:
            scope.spawned.remove(text)
            return
        hint = suggest(text, scope.spawned) or f"begin it earlier with spawn: {text}"
        self.fault(step, "", f"no {text} was spawned before this step", hint)

    # Branches

    def _branches(self, step: Step, scope: _Scope) -> None:
        ends: list[_Scope] = []
        for branch in step.branches:
            inner = scope.copy()
            self.steps(branch.steps, inner)
            ends.append(inner)
            first = branch.steps[0] if branch.steps else None
            least, most = step.rounds
            told = len(step.branches) > 1 or least != most  # by how it begins
            tells = first is None or (first.begins_branch and not first.by_tester)
            tells = tells or (isinstance(step, Repeat) and isinstance(first, Either))
            tells = tells or (isinstance(step, Either) and _all_ask(step))
            if told and not tells and first is not None:
                hint = f"begin it with one of {_BEGIN}"
                message = f"{first.verb} cannot tell this branch from another"
                self.fault(first, "", message, hint)
        if not step.rounds[0]:
            ends.append(scope.copy())
        scope.merge(ends)


def _all_ask(step: Step) -> bool:
    firsts = [one for branch in step.branches for one in branch.steps[:1]]
    return all(isinstance(one, Info) for one in firsts)


def _names_in(segment: SegmentText) -> Iterator[str]:
    """The names whose values the segment needs, in written order."""
    options = segment.options.options if segment.options else ()
    for value in segment.fields.values():
        yield from _names_of(value)
    for option in options:
        for value in option.values:
            yield from _names_of(value)
        if isinstance(option.body, Name):
            yield option.body.name


def _names_of(value: Value) -> Iterator[str]:
    for one in members(value):
        yield from one.low.names
        if one.high is not None:
            yield from one.high.names
