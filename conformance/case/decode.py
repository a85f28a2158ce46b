"""One file's tree, with one choice of its parameters, to a case.

A table says what each top-level key is; a key that no row names is a fault. Nothing here reads
a file: fragments come from a ``Library``. Every fault is noted and reading goes on, so that one
run shows them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

from conformance.case import arguments
from conformance.case.arguments import OPTION, READERS, read_settings
from conformance.case.assumes import ASSUMPTIONS
from conformance.case.context import plain_text
from conformance.case.faults import Faults
from conformance.case.model import Case, Deviation, count_steps, from_fragment
from conformance.case.nodes import Mapping as MappingNode
from conformance.case.nodes import Node, Scalar, Sequence
from conformance.case.segments import spelling
from conformance.case.settings import SYSCTLS, Settings, check_settings
from conformance.case.spans import Span
from conformance.case.step import COMMON, Arg, Sibling, Step
from conformance.case.tester import SHOWN, read_tester
from conformance.case.told import Near, check_counters
from conformance.case.verbs import BY_NAME
from conformance.notation.scanner import suggest

MOST_STEPS: Final = 2000  # of one case, with its fragments
MOST_DEVIATIONS: Final = 64
LONGEST_TITLE: Final = 200  # characters
VERSIONS: Final = re.compile(r"(?=.*\d)(\d+(\.\d+)*)?\.\.(\d+(\.\d+)*)?")

CASE_KEYS: Final = {
    "title": "what happens, in one line",
    "about": "why it matters and what breaks without it",
    "verifies": "the requirements' ids",
    "target": "what the target must be able to do, and how it is set up",
    "tester": "where the tester's numbers begin, its keys, its ports",
    "parameters": "names and their values; each combination is a case",
    "given": "the fragment that the case starts from",
    "steps": "what happens, in order",
    "deviations": "what a named target is known to do instead",
    "unwatched": "rules that this case breaks on purpose",
    "assumes": "what it asks of a target on purpose, though no RFC does",
}
TARGET_KEYS: Final = ("needs", "options", "sysctl")
# By verb, what may stand beside it.
_BESIDE: Final[Mapping[str, Mapping[str, Sibling]]] = {
    name: {**row.siblings, **COMMON} for name, row in BY_NAME.items()
}
DEVIATION_KEYS: Final = ("step", "through", "versions", "instead", "because")


@dataclass(frozen=True, slots=True)
class Known:
    """What the layers above know; None where nobody knows, and then nothing is checked.

    ``requirement`` gives None for an id that exists, else a hint (which may be empty).
    ``shipped``: the root of the shipped cases; their fragments are there for every case.
    """

    requirement: Callable[[str], str | None] | None = None
    watch_rules: Callable[[], frozenset[str]] | None = None
    abilities: frozenset[str] | None = None
    settings: Settings | None = None
    shipped: Path | None = None
    counter: Near | None = None


class Library(Protocol):
    """Where fragments come from."""

    def fragment(self, name: str, span: Span, faults: Faults) -> Case | None:
        """The fragment of this name, which its steps name; None after a fault at ``span``."""


@dataclass(slots=True)
class _Parts:
    """The fields of a case as they come in."""

    fields: dict[str, Any] = field(default_factory=dict)
    needs: set[str] = field(default_factory=set)
    options: dict[str, str] = field(default_factory=dict)
    sysctl: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


class Decoder:
    """Reads one tree; it is the ``Context`` of the readers of values."""

    def __init__(
        self, params: Mapping[str, str], faults: Faults, library: Library, known: Known
    ) -> None:
        self.params = params
        self.faults = faults
        self._library = library
        self._known = known
        self._parts = _Parts()
        self._expanded = 0

    def case(self, node: MappingNode, blank: Case) -> Case:
        """``blank`` with everything that the tree says."""
        parts = self._parts
        self._target(node.get("target"))
        parts.fields |= read_tester(node.get("tester"), self)
        for key, value in node.entries:
            if self.faults.full:
                break
            match key.text:
                case "title":
                    self._title(value)
                case "about":
                    about = (plain_text(value, self, "a text") or "").strip()
                    parts.fields["about"] = "\n".join(line.rstrip() for line in about.split("\n"))
                case "verifies":
                    parts.fields["verifies"] = self.requirements(value)
                case "given":
                    self._given(value)
                case "steps":
                    parts.fields["steps"] = self.steps(value)
                case "deviations":
                    parts.fields["deviations"] = self._deviations(value)
                case "unwatched" | "assumes":
                    parts.fields[key.text] = self._on_purpose(key.text, value)
                case name if name not in CASE_KEYS:
                    self.faults.add(key.span, f"unknown key {name}", suggest(name, CASE_KEYS))
        self._required(node)
        return replace(
            blank,
            **parts.fields,
            needs=frozenset(parts.needs),
            options=parts.options,
            sysctl=parts.sysctl,
            sources={**blank.sources, **parts.sources},
            names={**blank.names, **parts.names},
        )

    def _required(self, node: MappingNode) -> None:
        for name in ("title", "steps"):
            if node.get(name) is None:
                self.faults.add(node.span, f"this case has no {name}:", CASE_KEYS[name])

    def _title(self, node: Node) -> None:
        text = plain_text(node, self, "a title")
        if text is not None and isinstance(node, Scalar):
            self._parts.fields.update(title=text.strip(), span=node.span)
            if len(text) > LONGEST_TITLE or "\n" in text.strip():
                hint = f"at most {LONGEST_TITLE} characters; the rest goes under about:"
                self.faults.add(node.span, "a title is one line", hint)

    def _texts(self, node: Node, what: str) -> list[tuple[Span, str]]:
        """The texts of a list, none of them twice."""
        if not isinstance(node, Sequence):
            self.faults.add(node.span, f"a list of {what}s expected", "as in [first, second]")
            return []
        found: dict[str, Span] = {}
        for item in node.items:
            text = plain_text(item, self, f"a {what}")
            if text is not None and text in found:
                self.faults.add(item.span, f"{text} is named twice")
            elif text is not None:
                found[text] = item.span
        return [(span, text) for text, span in found.items()]

    def requirements(self, node: Node) -> tuple[str, ...]:
        """The ids of a list of requirements."""
        found = self._texts(node, "requirement")
        for span, text in found:
            if self.faults.full:
                break
            hint = self._known.requirement(text) if self._known.requirement else None
            if hint is not None:
                self.faults.add(span, f"unknown requirement {text}", hint)
        return tuple(text for _, text in found)

    def _on_purpose(self, key: str, node: Node) -> frozenset[str]:
        what = "assumption" if key == "assumes" else "watch rule"
        rules = (lambda: frozenset(ASSUMPTIONS)) if key == "assumes" else self._known.watch_rules
        return self._among(self._texts(node, what), rules and rules(), what)

    def _among(
        self, found: list[tuple[Span, str]], known: frozenset[str] | None, what: str
    ) -> frozenset[str]:
        for span, text in found:
            if known is not None and text not in known and not self.faults.full:
                self.faults.add(span, f"unknown {what} {text}", suggest(text, sorted(known)))
        return frozenset(text for _, text in found)

    def _target(self, node: Node | None) -> None:
        if node is None:
            return
        if not isinstance(node, MappingNode):
            hint = "needs, options and sysctl, as in target: {needs: [STATE]}"
            self.faults.add(node.span, "a mapping expected", hint)
            return
        for key, value in sorted(node.entries, key=lambda entry: entry[0].text != "needs"):
            if self.faults.full:
                break
            if key.text == "needs":
                self._parts.needs |= self._needs(value)
            elif key.text == "options":
                self._parts.options = self._settings(value, OPTION)
            elif key.text == "sysctl":
                self._parts.sysctl = self._settings(value, arguments.SYSCTL)
            else:
                hint = suggest(key.text, TARGET_KEYS)
                self.faults.add(key.span, f"unknown key {key.text} of target", hint)

    def _needs(self, node: Node) -> frozenset[str]:
        found = self._texts(node, "ability")
        sysctls = frozenset(text for _, text in found if text.startswith(SYSCTLS))
        others = [one for one in found if one[1] not in sysctls]
        return sysctls | self._among(others, self._known.abilities, "ability")

    def _settings(self, node: Node, names: re.Pattern[str]) -> dict[str, str]:
        found = read_settings(node, self, names) or {}
        needs = None if names is OPTION else self._parts.needs
        check_settings(node, found, self._known.settings, needs, self.faults)
        return found

    def _given(self, node: Node) -> None:
        name = READERS[Arg.FRAGMENT].read(node, self)
        case = None if name is None else self._library.fragment(name, node.span, self.faults)
        if case is None:
            return
        self._merge(case, node.span, name)
        self._count(case.all_steps, node.span)
        self._parts.fields["given"] = case.all_steps

    def _merge(self, case: Case, span: Span, name: str) -> None:
        """Take over what a fragment needs of the target."""
        parts = self._parts
        parts.needs |= case.needs
        parts.sources.update(case.sources)
        parts.names.update(case.names)
        for what, shown in SHOWN.items():
            said = getattr(case, what)
            if said not in (None, "", {}) and parts.fields.setdefault(what, said) != said:
                message = f"fragment {name} has the {what} {shown(said)}, and here is another"
                self.faults.add(span, message)
        for mine, theirs in ((parts.options, case.options), (parts.sysctl, case.sysctl)):
            for setting, value in theirs.items():
                if mine.setdefault(setting, value) != value:
                    message = f"fragment {name} sets {setting} to {value}, this case to"
                    hint = "use another fragment, or the same value"
                    self.faults.add(span, f"{message} {mine[setting]}", hint)

    def _count(self, steps: tuple[Step, ...], span: Span) -> None:
        before = self._expanded
        self._expanded += count_steps(steps)
        if self._expanded > MOST_STEPS >= before:
            self.faults.add(span, f"the case has more than {MOST_STEPS} steps, with its fragments")

    def steps(self, node: Node) -> tuple[Step, ...]:
        """The steps of a list; fragments take the place of their ``include:``."""
        if not isinstance(node, Sequence) or not node.items:
            self.faults.add(
                node.span, "a list of steps expected", "as in - expect: ACK seq=1 ack=1"
            )
            return ()
        found: list[Step] = []
        for item in node.items:
            if self._expanded > MOST_STEPS or self.faults.full:
                break
            steps = self._step(item)
            self._count(tuple(step for step in steps if not step.origin), item.span)
            found += steps
        return tuple(found)

    def _step(self, node: Node) -> tuple[Step, ...]:
        if not isinstance(node, MappingNode):
            arguments.no_step(node, self.faults)
            return ()
        found = self._verb(node)
        if found is None:
            return ()
        row, place, value = found
        siblings = self._siblings(node, row) if len(node.entries) > 1 else {}
        read = READERS[row.argument]
        argument = read.read(value, self)
        if argument is None:
            return ()
        if row.argument is Arg.FRAGMENT:
            return self._include(argument, value.span, siblings)
        if row.argument is Arg.OPTIONS:
            check_settings(value, argument, self._known.settings, None, self.faults)
        if row.argument is Arg.COUNTERS:
            check_counters(value, self._known.counter, self.faults)
        is_segment = row.argument is Arg.SEGMENT
        shown = spelling(value, argument) if is_segment else read.show(argument)
        text = f"{row.verb}: {shown}"
        allowed = _BESIDE[row.verb]
        fields = {allowed[name].field or name: one for name, one in siblings.items()}
        make: Callable[..., Step] = row  # what its fields hold is what their readers read
        return (make(place, text, argument, **fields),)

    def _verb(self, node: MappingNode) -> tuple[type[Step], Span, Node] | None:
        """The step's row, where it is written, and its value; the first verb when there are two."""
        verbs = [(key, value) for key, value in node.entries if key.text in BY_NAME]
        for key, _ in verbs[1:]:
            message = f"a step has one verb, and {verbs[0][0].text} is already here"
            self.faults.add(key.span, message, f"begin another step: - {key.text}: ...")
        if verbs:
            key, value = verbs[0]
            return BY_NAME[key.text], key.span, value
        names = [key for key, _ in node.entries if key.text not in COMMON]
        if names:
            word = names[0].text
            hint = suggest(word, BY_NAME) or f"one of {', '.join(BY_NAME)}"
            self.faults.add(names[0].span, f"unknown verb {word}", hint)
        else:
            self.faults.add(node.span, "this step has no verb", "as in expect: ACK seq=1 ack=1")
        return None

    def _siblings(self, node: MappingNode, row: type[Step]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        allowed = _BESIDE[row.verb]
        for key, value in node.entries:
            if self.faults.full:
                break
            if key.text in BY_NAME:
                continue
            if key.text not in allowed:
                hint = suggest(key.text, allowed)
                self.faults.add(key.span, f"{row.verb} has no {key.text}:", hint)
                continue
            argument = READERS[allowed[key.text].arg].read(value, self)
            if argument is not None:
                found[key.text] = argument
        return found

    def _include(self, name: str, span: Span, siblings: dict[str, Any]) -> tuple[Step, ...]:
        if siblings:
            self.faults.add(
                span, f"include has no {next(iter(siblings))}:, its steps have their own"
            )
        case = self._library.fragment(name, span, self.faults)
        if case is None:
            return ()
        self._merge(case, span, name)
        self._count(case.steps, span)
        return tuple(from_fragment(step, name) for step in case.steps)  # none is there twice

    def _deviations(self, node: Node) -> tuple[Deviation, ...]:
        if not isinstance(node, MappingNode):
            self.faults.add(node.span, "a mapping from targets to what they do instead expected")
            return ()
        found: list[Deviation] = []
        for key, value in node.entries:
            if not OPTION.fullmatch(key.text):
                hint = "lower-case letters, digits and -"
                self.faults.add(key.span, f"{key.text} is no name of a target", hint)
            if not isinstance(value, Sequence) or not value.items:
                self.faults.add(value.span, "a list of deviations expected", "- step: LABEL")
                continue
            found += [self._deviation(key.text, item) for item in value.items[:MOST_DEVIATIONS]]
        if len(found) >= MOST_DEVIATIONS:
            self.faults.add(node.span, f"the case has {MOST_DEVIATIONS} deviations or more")
        return tuple(found)

    def _deviation(self, target: str, node: Node) -> Deviation:
        labels = {"step": "", "through": ""}
        instead: tuple[Step, ...] = ()
        because = versions = ""
        for key, value in node.entries if isinstance(node, MappingNode) else ():
            if self.faults.full:
                break
            if key.text in labels:
                labels[key.text] = READERS[Arg.LABEL].read(value, self) or ""
            elif key.text == "instead":
                instead = self.steps(value)
            elif key.text == "versions":
                versions = self._versions(value)
            elif key.text == "because":
                because = (plain_text(value, self, "a reason") or "").strip()
            else:
                hint = suggest(key.text, DEVIATION_KEYS)
                self.faults.add(key.span, f"unknown key {key.text} of a deviation", hint)
        for name in ("step", "instead", "because"):
            if not isinstance(node, MappingNode) or node.get(name) is None:
                self.faults.add(node.span, f"this deviation has no {name}:", _DEVIATION_HINT)
        through = labels["through"]
        return Deviation(target, labels["step"], instead, because, through, versions, node.span)

    def _versions(self, node: Node) -> str:
        text = (plain_text(node, self, "a range of versions") or "").strip()
        if not VERSIONS.fullmatch(text):
            hint = "as in 6.5.. or ..6.12 or 6.1..6.12, both ends counted"
            self.faults.add(node.span, f"{text} is no range of versions", hint)
        return text


_DEVIATION_HINT: Final = "step: (a label), instead: (steps), because: (why)"
