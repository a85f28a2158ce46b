"""A record as JSON lines and back: all that a verdict depends on, and nothing worked out of it.

One conversation is a ``case`` line, a line for every event in the order they were fed, each with
the time ``now`` that it was fed at, and a ``verdict`` line; a file holds any number of them, one
after another. A conversation without its last line was cut off: its events are still good.

Reading makes no case: it gives back the text of the case's files, its id and its parameters,
and whoever wants to judge again loads the case from those. What is no such file is a
:class:`~conformance.errors.CaseError` that names the line, whatever the file holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from conformance.case.spans import Span
from conformance.errors import CaseError
from conformance.play import events
from conformance.play.events import Event
from conformance.play.profile import Profile
from conformance.play.record import Addressing, Record
from conformance.play.verdict import Difference, Failure, Outcome, Verdict
from conformance.report import wording

FORMAT: Final = 1
EVENTS: Final[Mapping[str, type[Event]]] = {
    "sent": events.Sent,
    "arrived": events.Arrived,
    "garbage": events.Garbage,
    "call-pending": events.CallPending,
    "call-returned": events.CallReturned,
    "state-read": events.StateRead,
    "transition": events.Transition,
    "option-set": events.OptionSet,
    "lost": events.Lost,
    "tick": events.Tick,
}
_NAMES: Final = {kind: name for name, kind in EVENTS.items()}
_TEXTS: Final = ("id", "case", "path", "title")


@dataclass(frozen=True, slots=True)
class Loaded:
    """One conversation as it was written. ``line`` is where it begins, counted from 1.

    ``verdict`` is None when it was cut off; its ``step`` is always None, and ``step`` here is
    the place in ``sources`` that it ended at.
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


# ---- writing -------------------------------------------------------------------------------------


def dump(record: Record, *, sources: bool = True) -> str:
    """The lines of one record, all ASCII; without ``sources`` for whoever has the case itself."""
    lines = [_header(record, sources=sources)]
    lines += (_event(now, event) for now, event in record.events)
    if record.verdict is not None:
        lines.append(_verdict(record.verdict, record.reruns))
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)


def _header(record: Record, *, sources: bool) -> dict[str, Any]:
    case = record.case
    return {
        "type": "case",
        "format": FORMAT,
        "id": record.id,
        "case": case.id,
        "path": case.path,
        "title": case.title,
        "parameters": dict(case.parameters),
        "sources": dict(case.sources) if sources else {},
        "profile": wording.write(record.profile),
        "addressing": wording.write(record.addressing),
        "started": record.started,
    }


def _event(now: float, event: Event) -> dict[str, Any]:
    return {"type": _NAMES[type(event)], "now": now, **wording.write(event)}


def _verdict(verdict: Verdict, reruns: int) -> dict[str, Any]:
    line: dict[str, Any] = {
        "type": "verdict",
        "outcome": str(verdict.outcome),
        "reason": verdict.reason,
        "lateness": verdict.lateness,
        "allowed": verdict.allowed,
        "reruns": reruns,
    }
    if verdict.doubted is not None:
        line["doubted"] = str(verdict.doubted)
    if verdict.step is not None:
        line["step"] = wording.write(verdict.step.span)
    if verdict.failure is not None:
        failure = verdict.failure
        line["failure"] = {
            "message": failure.message,
            "expected": list(failure.expected),
            "actual": failure.actual,
            "differences": [wording.write(one) for one in failure.differences],
            "requirement": failure.requirement,
        }
    return line


# ---- reading -------------------------------------------------------------------------------------


def load(text: str, path: str = "") -> list[Loaded]:
    """Every conversation of a file; ``path`` is named in what is wrong with it."""
    return list(read(text.split("\n"), path))


def read(lines: Iterable[str], path: str = "") -> Iterator[Loaded]:
    """Every conversation, one at a time, from the lines of a file."""
    found: Loaded | None = None
    fed: list[tuple[float, Event]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            data = _object(line)
            kind = wording.text(data.pop("type", None))
            if kind == "case":
                if found is not None:
                    yield replace(found, events=tuple(fed))
                found, fed = _read_header(data, number), []
            elif found is None:
                raise ValueError("no case line stands before it")
            elif kind == "verdict":
                yield _read_verdict(data, replace(found, events=tuple(fed)))
                found = None
            else:
                fed.append(_read_event(kind, data))
        except (ValueError, RecursionError) as error:
            _fail(path, number, error)
    if found is not None:
        yield replace(found, events=tuple(fed))


def _fail(path: str, number: int, error: Exception) -> NoReturn:
    reason = "it is too deep" if isinstance(error, RecursionError) else str(error)
    place = f"{path}:{number}" if path else f"line {number}"
    raise CaseError(f"{place}: not a record of a run: {reason[:200]}") from None


def _object(line: str) -> dict[str, Any]:
    try:
        data = json.loads(line, parse_constant=_no_constant)
    except ValueError as error:
        raise ValueError(f"no JSON: {error}") from None
    if not isinstance(data, dict):
        raise ValueError("no object")
    return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _read_header(data: dict[str, Any], line: int) -> Loaded:
    if data.get("format") != FORMAT:
        written = str(data.get("format", "none"))[:20]
        raise ValueError(f"its format is {written}, and this version reads {FORMAT}")
    id, case, path, title = (wording.text(_part(data, name)) for name in _TEXTS)
    return Loaded(
        id,
        case,
        path,
        title,
        parameters=wording.texts(_part(data, "parameters")),
        sources=wording.texts(_part(data, "sources")),
        profile=wording.read(Profile, _part(data, "profile")),
        addressing=wording.read(Addressing, _part(data, "addressing")),
        started=wording.number(_part(data, "started")),
        line=line,
    )


def _part(data: dict[str, Any], name: str) -> Any:
    if name not in data:
        raise ValueError(f"{name} is missing")
    return data[name]


def _read_event(kind: str, data: dict[str, Any]) -> tuple[float, Event]:
    if kind not in EVENTS:
        raise ValueError(f"{kind!r} is no kind of line")
    now = wording.number(_part(data, "now"))
    del data["now"]
    return now, wording.read(EVENTS[kind], data)


def _read_verdict(data: dict[str, Any], found: Loaded) -> Loaded:
    verdict = Verdict(
        wording.member(Outcome, _part(data, "outcome")),
        wording.text(_part(data, "reason")),
        None,
        _read_failure(data["failure"]) if "failure" in data else None,
        wording.number(_part(data, "lateness")),
        wording.number(_part(data, "allowed")),
        wording.member(Outcome, data["doubted"]) if "doubted" in data else None,
    )
    step = wording.read(Span, data["step"]) if "step" in data else None
    reruns = wording.integer(_part(data, "reruns"))
    return replace(found, verdict=verdict, step=step, reruns=reruns)


def _read_failure(data: Any) -> Failure:
    if not isinstance(data, dict):
        raise ValueError("failure is no object")
    return Failure(
        wording.text(_part(data, "message")),
        tuple(wording.text(one) for one in wording.items(_part(data, "expected"))),
        wording.text(_part(data, "actual")),
        tuple(wording.read(Difference, one) for one in wording.items(_part(data, "differences"))),
        wording.text(_part(data, "requirement")),
    )
