"""A target file: YAML to a ``TargetFile``, with every fault at its place.

Rules:

- A table says what each key is; a key that no row names is a fault with a guess. All faults of the
  file come together, as those of a case do.
- What cannot work together is a fault here, not a surprise in a run: virtual time over an
  interface, socket calls without somebody who makes them.
- In the words of a command ``{here}``, ``{cache}``, ``{glue}`` and ``{python}`` are replaced, and a
  word that begins with ``./`` or ``../`` is relative to the file. No shell ever sees them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from conformance.case.arguments import OPTION
from conformance.case.context import scalar
from conformance.case.faults import CaseFaults, Fault, Faults
from conformance.case.load import Files
from conformance.case.nodes import Mapping as MappingNode
from conformance.case.nodes import Node, Scalar, Sequence, Unreadable, parse
from conformance.case.spans import Span
from conformance.notation.scanner import suggest
from conformance.play.profile import Ability
from conformance.targets.files.addresses import read_addresses
from conformance.targets.files.build import GLUE, folder, site
from conformance.targets.files.model import ClockKind, Control, ResetKind, TargetFile, WireKind
from conformance.targets.files.ssh import LINUX, whole
from conformance.targets.files.tolerances import read_tolerances
from conformance.targets.files.values import Values, one_of

KEYS: Final = {
    "target": "its name",
    "about": "what it is, in a line",
    "command": "the words that start the glue program",
    "ssh": "instead: the host whose kernel it is; the agent is started there",
    "build": "the words that build it",
    "packages": "the Debian packages that it needs",
    "pip": "the Python packages that it needs",
    "environment": "variables of the glue program and of build",
    "wire": "fd, tap, veth or interface NAME",
    "clock": "real or virtual",
    "control": "agent or none",
    "serves": "the port of each server, where nobody makes calls",
    "reset": "process or call",
    "at-once": "how many cases at once",
    "abilities": "what it can do",
    "lacks": "what of it a small stack is without",
    "tolerances": "quirks that are let by, each with its reason",
    "options": "abstract names to the glue's own",
    "profile": "the stack's own times",
    "addresses": "both ends of the wire",
    "deviations": "a file with what it is known to do instead",
}
NAME: Final = OPTION
LONGEST_NAME: Final = 40
# What a glue program does; without a word on abilities it is taken to do all of it.
_CALLS: Final = frozenset({Ability.CALLS, Ability.STATE, Ability.ACTIVE_OPEN})
_NOT_SAID: Final[Mapping[str, tuple[str, str]]] = {
    Ability.PATH: (
        "no PATH outside of a kernel",
        "a glue program is asked for a state now and then",
    ),
    Ability.COUNTERS: (
        "no COUNTERS outside of a kernel",
        "they are those of Linux, by their names there",
    ),
    Ability.LINUX: (
        "no LINUX outside of a kernel",
        "other stacks need not have its bounds and habits",
    ),
    Ability.ADDRESSES: (
        "no ADDRESSES outside of a kernel",
        "a glue program is told of one address",
    ),
    Ability.OWN_LINK: ("OWN-LINK is not for a file to say", "it follows from wire:"),
    Ability.THIRD_HOST: ("THIRD-HOST is not for a file to say", "it follows from addresses:"),
}
# The reader of YAML speaks of cases; this is what it means here.
_WORDING: Final = (
    ("a case begins with title:", "a target file begins with target:"),
    ("write it out, or put it into a fragment and include it", "write it out"),
    ("one file holds one case", "one file holds one target"),
    ("put them into several cases", ""),
    ("a case is text", "a target file is text"),
    ("cannot stand in a case", "cannot stand in a target file"),
)


def load(path: Path) -> TargetFile:
    """The target of a file; raises CaseFaults with everything that is wrong with it."""
    files = Files(path.parent)
    document = files.document(path)
    if document.root is None and not document.text:
        raise CaseFaults(map(_reworded, document.faults.all()), files.sources)
    found, faults = decode(document.text, path)
    if found is None:
        raise CaseFaults(faults, files.sources)
    return found


def decode(text: str, path: Path) -> tuple[TargetFile | None, tuple[Fault, ...]]:
    """The target that the text describes, or None and the faults; ``path`` is where it stands."""
    faults = Faults()
    try:
        root, found = parse(str(path), text)
    except Unreadable as error:
        faults.extend(map(_reworded, error.faults))
        return None, faults.all()
    faults.extend(map(_reworded, found))
    if not isinstance(root, MappingNode):
        faults.add(root.span, "a target file is a mapping", "it begins with target:")
        return None, faults.all()
    target = _Decoder(path, root, faults).target()
    return (None if faults else target), faults.all()


def _reworded(fault: Fault) -> Fault:
    message, hint = fault.message, fault.hint
    for case, target in _WORDING:
        message, hint = message.replace(case, target), hint.replace(case, target)
    if message.startswith("not YAML") and not hint:
        hint = 'a word that holds { or } must stand in quotes, as in "{cache}/glue"'
    return Fault(fault.span, message, hint)


def name_problem(name: str) -> tuple[str, str] | None:
    """What is wrong with a name for a target, and what to try; None when nothing is."""
    if name in ("linux", "reference") or name.startswith("linux-"):
        return f"{name} is built in", "call it otherwise"
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        hint = f"lower-case letters, digits and -, a letter first, at most {LONGEST_NAME}"
        return f"{name} is no name of a target", hint
    return None


class _Decoder:
    """One file's tree to a target."""

    def __init__(self, path: Path, root: MappingNode, faults: Faults) -> None:
        self.faults = faults
        self._path = path
        self._root = root

    def target(self) -> TargetFile | None:
        """What the tree says; it is worth something when no fault was noted."""
        for key, _ in self._root.entries:
            if key.text not in KEYS and not self.faults.full:
                self.faults.add(key.span, f"unknown key {key.text}", suggest(key.text, KEYS))
        home = self._path.absolute().parent
        places = {"here": str(home), "glue": str(GLUE), "python": sys.executable}
        values = Values(home, self.faults, places)
        name = self._name(values)
        places["cache"] = str(folder(self._path, name))
        found: dict[str, Any] = {}
        for name_of, read in _READERS.items():
            node = self._root.get(name_of)
            value = None if node is None else read(values, node)
            if value is not None:
                found[name_of.replace("-", "_")] = value
        wire, interface = found.pop("wire", (WireKind.FD, ""))
        usual = LINUX if "ssh" in found else {}
        found |= usual | found.pop("profile", {}) | {"wire": wire, "interface": interface}
        command = found.pop("command", ())
        return self._whole(TargetFile(self._path, name, command, **found))

    def _name(self, values: Values) -> str:
        node = self._root.get("target")
        if node is None:
            hint = "as in target: mystack"
            self.faults.add(self._root.span, "this file names no target:", hint)
            return ""
        found = scalar(node, values, "a name")
        problem = name_problem(found.text) if found is not None else None
        if problem:
            self.faults.add(node.span, *problem)
        return "" if found is None or problem else found.text

    # ---- what belongs together -------------------------------------------------------------------

    def _whole(self, target: TargetFile) -> TargetFile:
        """The target with what follows from its parts; what contradicts itself is a fault."""
        add = self.faults.add
        if target.ssh:
            target = self._remote(target)
        elif self._root.get("command") is None:
            if target.wire is not WireKind.INTERFACE:
                add(self._root.span, "this file has no command:", "as in command: [./mystack]")
            elif target.control is Control.AGENT:
                add(self._at("control"), "control: agent needs a command:", "or control: none")
        if target.clock is ClockKind.VIRTUAL and target.wire is not WireKind.FD:
            add(self._at("clock"), f"no virtual clock over wire: {target.wire}", "wire: fd has one")
        if target.control is Control.NONE:
            if target.clock is ClockKind.VIRTUAL:
                hint = "control: agent moves it"
                add(self._at("clock"), "nobody moves the clock with control: none", hint)
            if target.reset is ResetKind.CALL:
                add(self._at("reset"), "nobody calls reset with control: none", "reset: process")
        elif self._root.get("serves") is not None:
            hint = "control: none leaves them to the servers"
            add(self._at("serves"), "the glue makes the calls, no servers", hint)
        return self._python(replace(target, abilities=self._able(target)))

    def _remote(self, target: TargetFile) -> TargetFile:
        """A host that ssh reaches; its link is the user's to name."""
        add = self.faults.add
        if self._root.get("command") is not None:
            add(self._at("command"), "ssh: starts the agent, no place for command:", "leave it out")
        if target.wire is not WireKind.INTERFACE:
            hint = "as in wire: interface eth1"
            add(self._at("wire"), "ssh: needs wire: interface, the link shared with the host", hint)
        if self._root.get("addresses") is None:
            hint = "as in {ipv4: {target: 192.0.2.2, tester: 192.0.2.1}}"
            add(self._root.span, "ssh: needs addresses:, the host's and one that is nobody's", hint)
        if target.control is Control.NONE:
            add(self._at("control"), "ssh: brings the agent, so no control: none", "leave it out")
        return whole(target)

    def _able(self, target: TargetFile) -> frozenset[Ability]:
        """The abilities; the clock says of virtual time, ``options:`` of options."""
        node = self._root.get("abilities")
        written = target.abilities
        if node is None:
            written = _CALLS if target.control is Control.AGENT else frozenset()
        for item in node.items if isinstance(node, Sequence) else ():
            ability = item.text if isinstance(item, Scalar) else ""
            if ability in _NOT_SAID:
                self.faults.add(item.span, *_NOT_SAID[ability])
            elif target.control is Control.NONE and ability in _CALLS:
                hint = "say control: agent"
                self.faults.add(item.span, f"no {ability} with control: none", hint)
            elif target.clock is ClockKind.REAL and ability == Ability.VIRTUAL_TIME:
                hint = "say clock: virtual"
                self.faults.add(item.span, f"no {ability} with clock: real", hint)
        if target.clock is ClockKind.VIRTUAL:
            written |= {Ability.VIRTUAL_TIME}
        return written | {Ability.OPTIONS} if target.options else written

    def _python(self, target: TargetFile) -> TargetFile:
        """A glue in Python imports this package, and what ``pip:`` names from the cache.

        ``pip:`` alone is built by pip.
        """
        if target.command[:1] != (sys.executable,) and not target.pip:
            return target
        place = str(site(target))
        if target.pip and not target.build:
            build = (sys.executable, "-m", "pip", "install", "--target", place, *target.pip)
            target = replace(target, build=build)
        own = [*([place] if target.pip else []), str(GLUE.parents[1])]
        paths = os.pathsep.join([*own, *filter(None, [os.environ.get("PYTHONPATH")])])
        return replace(target, environment={"PYTHONPATH": paths, **target.environment})

    def _at(self, key: str) -> Span:
        node = self._root.get(key)
        return self._root.span if node is None else node.span


_READERS: Final[Mapping[str, Callable[[Values, Node], Any]]] = {
    "about": Values.text,
    "command": Values.words,
    "ssh": Values.host,
    "build": Values.words,
    "packages": Values.names,
    "pip": Values.names,
    "environment": Values.environment,
    "wire": Values.wire,
    "clock": one_of(ClockKind),
    "control": one_of(Control),
    "serves": Values.servers,
    "reset": one_of(ResetKind),
    "at-once": Values.count,
    "abilities": Values.abilities,
    "lacks": Values.lacks,
    "tolerances": read_tolerances,
    "options": Values.options,
    "profile": Values.profile,
    "addresses": read_addresses,
    "deviations": Values.deviations,
}
assert {"target", *_READERS} == set(KEYS)
