"""The readers of a target file's values, one for each kind.

A reader notes what is wrong and returns None, or what is left; it never raises for a wrong file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from conformance import files
from conformance.case.context import scalar
from conformance.case.faults import Faults
from conformance.case.nodes import Mapping as MappingNode
from conformance.case.nodes import Node, Scalar, Sequence
from conformance.case.step import Step
from conformance.notation.scanner import NotationError, suggest
from conformance.notation.time import NAMED, parse_duration
from conformance.play.profile import Ability, Part
from conformance.play.servers import Server
from conformance.targets.files.model import WireKind
from conformance.targets.files.ssh import host_problem
from conformance.targets.settings.options import KNOWN

TIMES: Final = {
    "msl": "msl",
    "rto": "rto",
    "min-rto": "min_rto",
    "delack": "delack",
    "response": "response",
    "settle": "settle",
    "tick": "tick",
    "longest": "longest",
}
MOST_AT_ONCE: Final = 1024
_MOST_WORDS: Final = 256
_INTERFACE: Final = re.compile(r"[^\s/:]{1,15}")  # IFNAMSIZ is 16 with its zero
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACEHOLDER: Final = re.compile(r"\{([a-z]+)\}")
_TIMES_HINT: Final = "such as 1s or 200ms"
_MAY_BE_ZERO: Final = ("delack", "settle", "tick")


class Values:
    """Reads values; the ``Context`` of what the language of cases reads for us.

    ``places`` is what ``{here}`` and its like stand for; ``home`` the directory of the file.
    """

    def __init__(self, home: Path, faults: Faults, places: Mapping[str, str]) -> None:
        self.faults = faults
        self.params: Mapping[str, str] = {}
        self._home = home
        self._places = places

    def steps(self, _: Node) -> tuple[Step, ...]:
        """A target file has no steps."""
        return ()

    def text(self, node: Node) -> str | None:
        """A text of a line or more."""
        found = scalar(node, self, "a text")
        return None if found is None else " ".join(found.text.split())

    def words(self, node: Node) -> tuple[str, ...] | None:
        """A list of words, with their places."""
        if not isinstance(node, Sequence) or not node.items or len(node.items) > _MOST_WORDS:
            hint = "as in [./mystack, --quiet]; a word with {cache} in it stands in quotes"
            self.faults.add(node.span, "a list of words expected", hint)
            return None
        found = [self._word(item) for item in node.items]
        return None if None in found else tuple(word for word in found if word is not None)

    def _word(self, node: Node) -> str | None:
        if not isinstance(node, Scalar):
            hint = 'a word with {cache} in it stands in quotes, as in "{cache}/glue"'
            self.faults.add(node.span, "a word expected", hint)
            return None
        return self._placed(node)

    def _placed(self, node: Scalar) -> str | None:
        """The text with its places in it."""
        for match in _PLACEHOLDER.finditer(node.text):
            if match[1] not in self._places:
                span = node.part(match.start(), len(match[0]))
                self.faults.add(span, f"unknown place {match[0]}", suggest(match[1], self._places))
                return None
        text = _PLACEHOLDER.sub(lambda match: self._places[match[1]], node.text)
        return str(Path(self._places["here"], text)) if text.startswith(("./", "../")) else text

    def names(self, node: Node) -> tuple[str, ...] | None:
        """A name, or a list of names, of packages."""
        items = node.items if isinstance(node, Sequence) else (node,)
        found = [scalar(item, self, "the name of a package") for item in items]
        for one in found:
            if one is not None and one.text.startswith("-"):
                self.faults.add(one.span, f"{one.text} is no name of a package")
        return tuple(one.text for one in found if one is not None)

    def entries(self, node: Node, what: str, hint: str) -> Iterable[tuple[Scalar, Node]]:
        """The entries of a mapping; a fault where there is none."""
        if isinstance(node, MappingNode) and node.entries:
            return node.entries
        self.faults.add(node.span, f"a mapping of {what} expected", hint)
        return ()

    def environment(self, node: Node) -> dict[str, str]:
        """Variables and their values."""
        found: dict[str, str] = {}
        for key, value in self.entries(node, "variables", "as in {LOG: quiet}"):
            if not _VARIABLE.fullmatch(key.text) or key.text.startswith("CONFORMANCE_"):
                self.faults.add(key.span, f"{key.text} is no variable of your own")
            text = self._word(value)
            if text is not None:
                found[key.text] = text
        return found

    def wire(self, node: Node) -> tuple[WireKind, str] | None:
        """``fd``, or ``interface eth1``."""
        found = scalar(node, self, "a wire")
        if found is None:
            return None
        word, _, interface = found.text.partition(" ")
        if word not in [*WireKind]:
            self.faults.add(node.span, f"unknown wire {word}", suggest(word, [*WireKind]))
            return None
        interface = interface.strip()
        if interface and word != WireKind.INTERFACE:
            hint = "only wire: interface does"
            self.faults.add(node.span, f"wire: {word} takes no interface", hint)
        elif not interface and word == WireKind.INTERFACE:
            self.faults.add(node.span, "wire: interface needs one", "as in wire: interface eth1")
        elif interface and not _INTERFACE.fullmatch(interface):
            self.faults.add(node.span, f"{interface} is no name of an interface")
        return WireKind(word), interface

    def host(self, node: Node) -> str | None:
        """A host as ssh takes it."""
        found = scalar(node, self, "a host")
        problem = host_problem(found.text) if found is not None else ""
        if problem:
            self.faults.add(node.span, problem)
        return None if found is None or problem else found.text

    def count(self, node: Node) -> int | None:
        """A number of cases."""
        return self._number(node, MOST_AT_ONCE)

    def _number(self, node: Node, most: int) -> int | None:
        found = scalar(node, self, "a number")
        if found is None:
            return None
        number = found.text if found.text.isascii() and found.text.isdigit() else "0"
        if len(number) < 6 and 0 < int(number) <= most:
            return int(number)
        self.faults.add(node.span, f"{found.text} is no number from 1 to {most}")
        return None

    def servers(self, node: Node) -> dict[Server, int]:
        """Servers and their ports."""
        found: dict[Server, int] = {}
        for key, value in self.entries(node, "servers", "as in {discard: 9, echo: 7}"):
            if key.text not in [*Server]:
                hint = suggest(key.text, [*Server])
                self.faults.add(key.span, f"unknown server {key.text}", hint)
                continue
            port = self._number(value, 65535)
            if port is not None:
                found[Server(key.text)] = port
        return found

    def abilities(self, node: Node) -> frozenset[Ability]:
        """A list of abilities; an empty one is one too."""
        if not isinstance(node, Sequence):
            hint = "as in [CALLS, STATE, ACTIVE-OPEN]"
            self.faults.add(node.span, "a list of abilities expected", hint)
            return frozenset()
        found = set()
        for item in node.items:
            one = scalar(item, self, "an ability")
            if one is not None and one.text not in [*Ability]:
                hint = suggest(one.text, [*Ability])
                self.faults.add(one.span, f"unknown ability {one.text}", hint)
            elif one is not None:
                found.add(Ability(one.text))
        return frozenset(found)

    def lacks(self, node: Node) -> frozenset[Part]:
        """A list of what it is without."""
        if not isinstance(node, Sequence):
            self.faults.add(node.span, "a list of what it lacks expected", "as in [ABORT, URGENT]")
            return frozenset()
        found = [one_of(Part)(self, item) for item in node.items]
        return frozenset(Part(one) for one in found if one is not None)

    def options(self, node: Node) -> dict[str, str]:
        """Abstract options to the glue's own names."""
        found: dict[str, str] = {}
        for key, value in self.entries(node, "options", "as in {timestamps: TCP_TS}"):
            if key.text not in KNOWN:
                hint = suggest(key.text, sorted(KNOWN))
                self.faults.add(key.span, f"unknown option {key.text}", hint)
            one = scalar(value, self, "the glue's own name")
            if one is not None:
                found[key.text] = one.text
        return found

    def profile(self, node: Node) -> dict[str, float]:
        """The stack's times, in seconds."""
        found: dict[str, float] = {}
        for key, value in self.entries(node, "times", "as in {msl: 60s, rto: 1s}"):
            if key.text not in TIMES:
                hint = suggest(key.text, TIMES)
                self.faults.add(key.span, f"unknown key {key.text} of profile", hint)
                continue
            seconds = self._seconds(value, zero=key.text in _MAY_BE_ZERO)
            if seconds is not None:
                found[TIMES[key.text]] = seconds
        return found

    def _seconds(self, node: Node, *, zero: bool) -> float | None:
        found = scalar(node, self, "a time such as 200ms")
        if found is None:
            return None
        try:
            duration = parse_duration(found.text)
        except NotationError as error:
            for flaw in error.flaws:  # its hints name the units that only a profile gives a length
                span = found.part(flaw.offset, flaw.length)
                self.faults.add(span, flaw.message, _TIMES_HINT)
            return None
        if any(unit in NAMED for _, unit in duration.terms):
            self.faults.add(node.span, f"{found.text} says no time here", _TIMES_HINT)
            return None
        seconds = duration.seconds(lambda _: 0.0)
        if not seconds and not zero:
            self.faults.add(node.span, f"{found.text} is too short for any stack")
        return seconds

    def deviations(self, node: Node) -> Path | None:
        """A file beside this one."""
        found = scalar(node, self, "the name of a file")
        if found is None:
            return None
        path = self._home / found.text
        if not files.is_file(path):
            self.faults.add(node.span, f"there is no file {found.text} beside this one")
        return path


def one_of(kind: type[StrEnum]) -> Callable[[Values, Node], StrEnum | None]:
    """A reader of one of a few words."""

    def read(values: Values, node: Node) -> StrEnum | None:
        found = scalar(node, values, " or ".join(kind))
        if found is None or found.text in [*kind]:
            return None if found is None else kind(found.text)
        message = f"unknown {kind.__name__.removesuffix('Kind').lower()} {found.text}"
        values.faults.add(node.span, message, suggest(found.text, [*kind]))
        return None

    return read
