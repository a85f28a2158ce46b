"""``conformance target``: wire a TCP of your own in, build it, prove that it is wired right.

::

    conformance target new mystack --lang c
    conformance target build mystack/mystack.yaml
    conformance target check mystack/mystack.yaml
    conformance target list
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from conformance import files
from conformance.commands.output import in_color, note, say, say_json
from conformance.errors import CaseError, ConformanceError, EnvironmentProblem
from conformance.exits import Exit
from conformance.play.profile import Ability
from conformance.report.colour import Colours
from conformance.targets import BUILT_IN, is_remote, open_target
from conformance.targets.files.model import TargetFile
from conformance.visible import visible

_WORDS: Final = "new NAME; build NAME|FILE; check NAME|FILE"
_PLACE: Final = "@NAME@"
_GO: Final = ("glue.go", "bell.go", "calls.go", "clock.go", "values.go")
# What is written for each language, and what of the glue's directory it is a copy of.
LANGUAGES: Final[dict[str, Mapping[str, str]]] = {
    "c": {f"{_PLACE}.c": "skeleton.c", "conformance_glue.h": "conformance_glue.h"},
    "python": {f"{_PLACE}.py": "skeleton.py"},
    "rust": {f"{_PLACE}.rs": "skeleton.rs", "conformance_glue.rs": "conformance_glue.rs"},
    "go": {
        f"{_PLACE}.go": "skeleton.go",
        "go.mod": "skeleton.mod",
        **{f"conformance/{name}": f"go/src/conformance/{name}" for name in _GO},
    },
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of all its actions."""
    parser.add_argument("action", choices=tuple(_ACTIONS))
    parser.add_argument("words", nargs="*", metavar="ARGUMENT", help=_WORDS)
    add = parser.add_argument
    add("--lang", choices=tuple(LANGUAGES), help="new: what the glue is written in; c if not said")
    add("--json", action="store_true", help="list: JSON on the standard output")
    add(
        "--own-network",
        action="store_true",
        help="check: frames may leave by the interface that the file names",
    )


def target(args: Namespace) -> int:
    """Do one of them; the exit status."""
    for option, action in (("lang", "new"), ("json", "list"), ("own_network", "check")):
        if getattr(args, option) and args.action != action:
            said = option.replace("_", "-")
            raise CaseError(f"--{said} is for target {action}, not for target {args.action}")
    args.lang = args.lang or "c"
    return _ACTIONS[args.action](args)


def _one(args: Namespace, what: str) -> str:
    if len(args.words) != 1:
        raise CaseError(f"target {args.action} needs one {what}")
    return str(args.words[0])


# ---- new -----------------------------------------------------------------------------------------


def _new(args: Namespace) -> int:
    """A directory with a target file and a glue program that answers, to be filled in."""
    from conformance.targets.files.build import GLUE
    from conformance.targets.files.reader import name_problem

    name = _one(args, "NAME")
    if problem := name_problem(name):
        raise CaseError(": ".join(problem))
    if name in sys.stdlib_module_names:  # NAME.py would take its place
        raise CaseError(f"{name} is a module of Python: another name")
    folder = Path(name)
    copies = {**LANGUAGES[args.lang], f"{_PLACE}.yaml": f"skeleton-{args.lang}.yaml"}
    copies["workflow.yml"] = "skeleton-workflow.yml"
    texts = {
        new.replace(_PLACE, name): (GLUE / old).read_text(encoding="utf-8").replace(_PLACE, name)
        for new, old in copies.items()
    }
    try:
        folder.mkdir()
        _fill(folder, texts)
    except FileExistsError:
        raise CaseError(f"{folder} is already there; nothing is written over") from None
    except OSError as error:
        raise CaseError(f"{folder} cannot be written: {files.reason(error)}") from None
    for new in texts:
        say(f"wrote {folder / new}")
    say("\n".join(["", "next:", *(f"  {line}" for line in _next(folder / f"{name}.yaml", args))]))
    return Exit.EXPECTED


def _fill(folder: Path, texts: Mapping[str, str]) -> None:
    """All of the files or none: a directory that is half filled goes again."""
    try:
        for new, text in texts.items():
            (folder / new).parent.mkdir(exist_ok=True)
            files.write_text(folder / new, text)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _next(file: Path, args: Namespace) -> Iterable[str]:
    if args.lang != "python":
        yield f"conformance target build {file}"
    yield f"conformance target check {file}"
    yield f"conformance run --target {file} smoke"


# ---- build ---------------------------------------------------------------------------------------


def _build(args: Namespace) -> int:
    from conformance.targets.files import build
    from conformance.targets.files.shipped import find

    word = _one(args, "NAME or FILE")
    _not_built_in(word, "nothing is to be built")
    file = find(word, BUILT_IN)
    if not file.build:
        build.require(file)
        say(f"{file.name} has no build:, nothing is to be built")
        return Exit.EXPECTED
    note(shlex.join(file.build))
    build.build(file)
    say(f"{file.name} is built: {build.folder(file.path, file.name)}")
    return Exit.EXPECTED


def _not_built_in(word: str, what: str) -> None:
    if word in BUILT_IN:
        raise CaseError(f"{word} is built in: {what}")


# ---- check ---------------------------------------------------------------------------------------


def _check(args: Namespace) -> int:
    """Each step of the proof on a line; what cannot be proved fails."""
    from conformance.targets.files.build import require, stale

    word = _one(args, "NAME or FILE")
    if word in BUILT_IN:
        with open_target(word) as opened:
            say(f"{word} is built in: nothing is to be checked")
            say(f"abilities: {_listed(opened.profile.abilities)}")
        return Exit.EXPECTED
    file = replace(_wired(word), own_network=args.own_network)
    require(file)
    if newer := stale(file):
        note(f"conformance: {newer} is newer than what was built of it")
    from conformance.targets.check.wiring import probe

    failed, told = 0, ""
    for what, ok, told in probe(file):
        say(_step(what, told, ok=ok), painted=True)
        sys.stdout.flush()
        failed += not ok
    if file.tolerances:
        names = ", ".join(one.name for one in file.tolerances)
        say(_step("tolerances", names, ok=True), painted=True)
    if file.deviations:
        from conformance.commands.deviations import deviations

        ok, found = deviations(file)
        say(_step("deviations", found, ok=ok), painted=True)
        failed += not ok
    if failed:
        say(f"{failed} of the steps failed: {file.name} is not wired right yet")
        return Exit.FAILED
    say(f"{file.name} is wired right; abilities: {told}")
    return Exit.EXPECTED


def _wired(word: str) -> TargetFile:
    """The file of a target that has a glue of its own, which there is to check."""
    from conformance.targets.files.shipped import find

    file = None if is_remote(word) else find(word, BUILT_IN)
    if file is None or file.ssh:
        raise CaseError(
            f"{word} runs the agent that comes with this, so there is nothing to check but the "
            f"link: conformance run --target {word} smoke"
        )
    return file


def _step(what: str, told: str, *, ok: bool) -> str:
    words = ("✓", "✗") if _shows_marks() else ("ok  ", "FAIL")
    mark = Colours(in_color())(words[not ok], "good" if ok else "bad")
    return f"{mark} {what}" + visible(f": {told}" if told else "")


def _shows_marks() -> bool:
    """Whether the standard output is a terminal that has the marks."""
    return sys.stdout.isatty() and (sys.stdout.encoding or "").lower().startswith("utf")


def _listed(abilities: Iterable[Ability]) -> str:
    return " ".join(sorted(abilities)) or "none"


# ---- list ----------------------------------------------------------------------------------------


def _list(args: Namespace) -> int:
    """Every target that has a name, and whether it can be run here."""
    from conformance.targets.files.shipped import names

    if args.words:
        raise CaseError(f"target list takes no {args.words[0]}: it lists all")

    rows = [*map(_built_in_row, BUILT_IN), *map(_row, names())]
    if args.json:
        say_json(rows)
        return Exit.EXPECTED
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        say(f"{row['name']:<{width}}  {row['about'] or '(it says nothing about itself)'}")
        for line in (_listed(row["abilities"]), row["state"]):
            say(f"{'':<{width}}  {line}")
    note("\na TCP of your own: conformance target new NAME --lang c|go|python|rust")
    return Exit.EXPECTED


_ABOUT: Final = {
    "reference": "RFC 9293 as data, in virtual time",
    "linux": "the kernel that runs here, in namespaces of its own",
}


def _built_in_row(name: str) -> dict[str, Any]:
    abilities: list[str] = []
    state = "built in"
    try:
        with open_target(name) as opened:
            abilities = sorted(opened.profile.abilities)
    except EnvironmentProblem as problem:
        state = f"built in, but not here: {str(problem).rstrip('.')}"
    return {
        "name": name,
        "about": _ABOUT.get(name, ""),
        "abilities": abilities,
        "built": bool(abilities),
        "state": state,
        "path": None,
    }


def _row(name: str) -> dict[str, Any]:
    from conformance.targets.files.shipped import find

    file: TargetFile | None = None
    try:
        file = find(name)
        state = _state(file)
    except ConformanceError as error:  # a file of another package must not hide the rest
        state = str(error).partition("\n")[0]
    return {
        "name": name,
        "about": file.about if file else "",
        "abilities": sorted(file.abilities) if file else [],
        "built": state.startswith("built"),
        "state": state,
        "path": str(file.path) if file else None,
    }


def _state(file: TargetFile) -> str:
    from conformance.targets.files import build

    if problem := build.missing(file):
        remedy = build.remedy(file)
        return f"{problem}: {remedy}" if remedy else problem
    newer = build.stale(file)
    return f"build, but {newer} is newer" if newer else "built"


_ACTIONS: Final[dict[str, Callable[[Namespace], int]]] = {
    "new": _new,
    "build": _build,
    "check": _check,
    "list": _list,
}
