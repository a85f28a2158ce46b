"""A record as JSON lines and back: all that a verdict depends on, and nothing worked out of it.

One conversation is a ``case`` line, a line for every event in the order they were fed, each with
the time ``now`` that it was fed at, what the target's kernel said beside it (``kernel-``) and a
``verdict`` line; a file holds any number of them, one after another. A conversation without its
last line was cut off: its events are still good. Which parts a line has, and of what kind,
:mod:`.record_schema` says for other programs.

The text of a file stands under its name below the root of the cases, never under its path on the
machine where it was played; what went wrong there names a file without its directories. Format 1
had the paths, 2 no kernel's words; they are read as well.

Reading makes no case: it gives back the text of the case's files, its id and its parameters,
and whoever wants to judge again loads the case from those. What is no such file is a
:class:`NoRecord` that names the line and the part, or the column, whatever the file holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import IO, Any, Final, NoReturn

from conformance import __version__
from conformance.case.faults import shorten
from conformance.case.model import Case
from conformance.case.spans import Span
from conformance.errors import CaseError, Owner
from conformance.play import asides, events
from conformance.play.asides import Aside
from conformance.play.events import Event
from conformance.play.profile import Profile
from conformance.play.record import Addressing, Record
from conformance.play.verdict import Difference, Failure, Outcome, Verdict
from conformance.report import json_codec

FORMAT: Final = 4
READ: Final = (1, FORMAT)  # the oldest that is read, and the newest
EVENTS: Final[Mapping[str, type[Event]]] = {
    "sent": events.Sent,
    "arrived": events.Arrived,
    "garbage": events.Garbage,
    "call-pending": events.CallPending,
    "call-returned": events.CallReturned,
    "state-read": events.StateRead,
    "transition": events.StateReported,
    "option-set": events.OptionSet,
    "lost": events.Lost,
    "died": events.Died,
    "tick": events.Tick,
}
_NAMES: Final = {kind: name for name, kind in EVENTS.items()}
ASIDES: Final[Mapping[str, type[Aside]]] = {
    "kernel-dropped": asides.Dropped,
    "kernel-reset": asides.ResetSent,
    "kernel-retransmitted": asides.Retransmitted,
    "kernel-counters": asides.CountersMoved,
    "link-noticed": asides.Noticed,
}
_ASIDES: Final = {kind: name for name, kind in ASIDES.items()}
_MARKS: Final = ("let_by", "disputed", "new")  # of a verdict, where they are so
LONGEST_LINE: Final = 1 << 26  # octets: a case line holds the text of all its files
MOST_EVENTS: Final = 1 << 20  # of one case
_LONGEST_REASON: Final = 200  # characters
# All of a path but its last part; what is there on every machine stays.
_DIRECTORIES: Final = re.compile(r"(?<![\w/:.-])/(?!(?:proc|sys|dev|usr)/)(?:[\w.@+~-]+/)+")


@dataclass(frozen=True, slots=True)
class Loaded:
    """One conversation as it was written. ``line`` is where it begins, counted from 1.

    ``verdict`` is None when it was cut off; its ``step`` is always None, and ``step`` here is
    the place in ``sources`` that it ended at. ``conformance``: the version of this program that
    played it, which is that of the set; records of versions before 0.7.0 do not say.
    """

    id: str
    case: str
    path: str
    title: str
    parameters: Mapping[str, str]
    sources: Mapping[str, str]
    profile: Profile
    addressing: Addressing
    started: float
    events: tuple[tuple[float, Event], ...] = ()
    verdict: Verdict | None = None
    step: Span | None = None
    reruns: int = 0
    line: int = 1
    asides: tuple[Aside, ...] = ()
    conformance: str = ""


# ---- writing -------------------------------------------------------------------------------------


def dump(record: Record, *, sources: bool = True) -> str:
    """The lines of one record, all ASCII; without ``sources`` for whoever has the case itself."""
    lines = [_header(record, sources=sources)]
    lines += (_event(now, event) for now, event in record.events)
    lines += ({"type": _ASIDES[type(one)], **json_codec.write(one)} for one in record.asides)
    if record.verdict is not None:
        lines.append(_verdict(record.verdict, record.reruns, record.case.names))
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)


def _header(record: Record, *, sources: bool) -> dict[str, Any]:
    case = record.case
    return {
        "type": "case",
        "format": FORMAT,
        "conformance": __version__,
        "id": record.id,
        "case": case.id,
        "path": case.names.get(case.path, case.path),
        "title": case.title,
        "parameters": dict(case.parameters),
        "sources": _named(case) if sources else {},
        "profile": json_codec.write(anywhere(record.profile)),
        "addressing": json_codec.write(record.addressing),
        "started": record.started,
    }


def _named(case: Case) -> dict[str, str]:
    return {case.names.get(path, path): text for path, text in case.sources.items()}


def placeless(record: Record) -> Record:
    """The record without the machine's directories, as it would be after writing and reading."""
    case, verdict = record.case, record.verdict
    named = replace(case, path=case.names.get(case.path, case.path), sources=_named(case))
    if verdict and (verdict.owner is not None or (verdict.failure and verdict.failure.death)):
        failure = verdict.failure and replace(
            verdict.failure,
            message=nowhere(verdict.failure.message),
            words=nowhere(verdict.failure.words),
        )
        verdict = replace(verdict, reason=nowhere(verdict.reason), failure=failure)
    return replace(record, case=named, profile=anywhere(record.profile), verdict=verdict)


def anywhere(profile: Profile) -> Profile:
    """Without the place of the target's file on this machine."""
    file = profile.facts.get("file", "")
    return (
        replace(profile, facts={**profile.facts, "file": file.rpartition("/")[2]})
        if file
        else profile
    )


def nowhere(text: str) -> str:
    """What a machine said of itself, without its directories."""
    return _DIRECTORIES.sub(".../", text)


def _event(now: float, event: Event) -> dict[str, Any]:
    match event:
        case events.Lost():
            event = replace(event, reason=nowhere(event.reason))
        case events.Died():
            words, reason = nowhere(event.words), nowhere(event.reason)
            event = replace(event, words=words, reason=reason)
    return {"type": _NAMES[type(event)], "now": now, **json_codec.write(event)}


def _verdict(verdict: Verdict, reruns: int, names: Mapping[str, str]) -> dict[str, Any]:
    broken = verdict.owner is not None or (verdict.failure and verdict.failure.death)
    told = nowhere if broken else str
    line: dict[str, Any] = {
        "type": "verdict",
        "outcome": str(verdict.outcome),
        "reason": told(verdict.reason),
        "lateness": verdict.lateness,
        "allowed": verdict.allowed,
        "reruns": reruns,
    }
    if verdict.doubted is not None:
        line["doubted"] = str(verdict.doubted)
    if verdict.owner is not None:
        line["owner"] = str(verdict.owner)
    if verdict.tolerated:
        line["tolerated"] = list(verdict.tolerated)
    if verdict.without:
        line["without"] = list(verdict.without)
    line |= {name: True for name in _MARKS if getattr(verdict, name)}
    if verdict.step is not None:
        span = verdict.step.span
        line["step"] = json_codec.write(replace(span, path=names.get(span.path, span.path)))
    if verdict.failure is not None:
        failure = verdict.failure
        line["failure"] = {
            "message": told(failure.message),
            "expected": list(failure.expected),
            "actual": failure.actual,
            "differences": [json_codec.write(one) for one in failure.differences],
            "requirement": failure.requirement,
        }
    return line


# ---- reading -------------------------------------------------------------------------------------


class NoRecord(CaseError):
    """What is no file of records; the text begins with its place, ``file:line`` and the column.

    ``line`` counts from 1.
    """

    def __init__(self, path: str, line: int, reason: str, column: int = 0) -> None:
        place = f"{path}:{line}" if path else f"line {line}"
        place += f":{column}" if column and path else f", column {column}" if column else ""
        super().__init__(f"{place}: not a record of a run: {shorten(reason, _LONGEST_REASON)}")
        self.line = line


class _NoJson(ValueError):
    """A line that is none, from this column on."""

    def __init__(self, reason: str, column: int) -> None:
        super().__init__(reason)
        self.column = column


def load(text: str, path: str = "") -> list[Loaded]:
    """Every conversation of a file; ``path`` is named in what is wrong with it."""
    return list(read(text.split("\n"), path))


def lines(stream: IO[bytes], path: str) -> Iterator[str]:
    """The lines of a file, none of them longer than a record's can be; raises NoRecord."""
    number = 0
    while octets := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(octets) > LONGEST_LINE:
            raise NoRecord(path, number, f"a line of more than {LONGEST_LINE >> 20} MiB")
        try:
            yield octets.decode()
        except UnicodeDecodeError as error:
            reason = f"octet 0x{octets[error.start]:02x} is not UTF-8"
            raise NoRecord(path, number, reason, error.start + 1) from None


def read(lines: Iterable[str], path: str = "", first: int = 1) -> Iterator[Loaded]:
    """Every conversation, one at a time, from the lines of a file from its ``first`` on.

    Raises NoRecord.
    """
    found: Loaded | None = None
    fed: list[tuple[float, Event]] = []
    beside: list[Aside] = []
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        try:
            data = _object(line)
            kind = json_codec.part(data, "type", json_codec.text)
            del data["type"]
            if kind == "case":
                if found is not None:
                    yield replace(found, events=tuple(fed), asides=tuple(beside))
                found, fed, beside = _read_header(data, number), [], []
            elif found is None:
                raise json_codec.Misfit("no case line stands before it")
            elif kind == "verdict":
                whole = replace(found, events=tuple(fed), asides=tuple(beside))
                yield _read_verdict(data, whole)
                found = None
            elif kind in ASIDES:
                beside.append(json_codec.read(ASIDES[kind], data))
            else:
                fed.append(_read_event(kind, data))
        except _NoJson as error:
            raise NoRecord(path, number, f"no JSON: {error}", error.column) from None
        except json_codec.Misfit as misfit:
            raise NoRecord(path, number, str(misfit)) from None
        if len(fed) + len(beside) > MOST_EVENTS:
            raise NoRecord(path, number, f"more than {MOST_EVENTS} events of one case")
    if found is not None:
        yield replace(found, events=tuple(fed), asides=tuple(beside))


def _object(line: str) -> dict[str, Any]:
    try:
        data = json.loads(line, parse_constant=_no_constant, object_pairs_hook=_once)
    except json_codec.Misfit:
        raise
    except json.JSONDecodeError as error:
        raise _NoJson(error.msg, error.colno) from None
    except ValueError:  # Python reads no number of more than some thousand digits
        raise _NoJson("a number has too many digits", 0) from None
    except RecursionError:
        raise _NoJson("it is nested too deeply", 0) from None
    return json_codec.mapping(data)


def _no_constant(name: str) -> NoReturn:
    raise json_codec.Misfit(f"{name} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise json_codec.Misfit(f"{twice} is written twice")
    return found


# What a case line and a verdict's failure are made of: each part has the name of the field.
_HEADER: Final[Mapping[str, Callable[[Any], Any]]] = {
    "id": json_codec.text,
    "case": json_codec.text,
    "path": json_codec.text,
    "title": json_codec.text,
    "parameters": json_codec.texts,
    "sources": json_codec.texts,
    "profile": lambda data: json_codec.read(Profile, data),
    "addressing": json_codec.addressing,
    "started": json_codec.number,
}
_FAILURE: Final[Mapping[str, Callable[[Any], Any]]] = {
    "message": json_codec.text,
    "expected": lambda data: json_codec.each_of(json_codec.text, data),
    "actual": json_codec.text,
    "differences": lambda data: json_codec.each_of(_difference, data),
    "requirement": json_codec.text,
}


def _parts(data: Any, table: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Every part of a table, each of which must be there."""
    found = json_codec.mapping(data)
    return {name: json_codec.part(found, name, reader) for name, reader in table.items()}


def _difference(data: Any) -> Difference:
    return json_codec.read(Difference, data)


def _read_header(data: dict[str, Any], line: int) -> Loaded:
    written = data.get("format")
    if type(written) is not int or not READ[0] <= written <= READ[1]:
        told = str(data.get("format", "none"))[:20]
        raise json_codec.Misfit(f"its format is {told}, and this version reads 1 to {FORMAT}")
    program = json_codec.part(data, "conformance", json_codec.text) if "conformance" in data else ""
    return Loaded(**_parts(data, _HEADER), line=line, conformance=program)


def _read_event(kind: str, data: dict[str, Any]) -> tuple[float, Event]:
    if kind not in EVENTS:
        raise json_codec.Misfit(f"{kind[:40]!r} is no kind of line")
    now = json_codec.part(data, "now", json_codec.number)
    del data["now"]
    return now, json_codec.read(EVENTS[kind], data)


def _read_verdict(data: dict[str, Any], found: Loaded) -> Loaded:
    part = json_codec.part
    optional: dict[str, Any] = {}
    if "failure" in data:
        optional["failure"] = Failure(**part(data, "failure", lambda one: _parts(one, _FAILURE)))
    if "doubted" in data:
        optional["doubted"] = part(data, "doubted", _outcome)
    if "owner" in data:
        optional["owner"] = part(data, "owner", lambda one: json_codec.member(Owner, one))
    read = json_codec.each_of
    for name in ("tolerated", "without"):
        if name in data:
            optional[name] = part(data, name, lambda one: read(json_codec.text, one))
    for name in _MARKS:
        optional[name] = name in data and part(data, name, json_codec.switch)
    verdict = Verdict(
        part(data, "outcome", _outcome),
        part(data, "reason", json_codec.text),
        lateness=part(data, "lateness", json_codec.number),
        allowed=part(data, "allowed", json_codec.number),
        **optional,
    )
    step = part(data, "step", lambda one: json_codec.read(Span, one)) if "step" in data else None
    return replace(
        found, verdict=verdict, step=step, reruns=part(data, "reruns", json_codec.integer)
    )


def _outcome(data: Any) -> Outcome:
    return json_codec.member(Outcome, data)
