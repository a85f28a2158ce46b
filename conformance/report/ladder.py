"""The ladder of what happened: a record drawn as the RFC draws an exchange.

Rules:

- A row stands where its cause stands: a call at its invocation, not at its return, for its FIN
  may be on the wire before ``close()`` is back. One that blocked says for how long.
- A state stands beside the row that it followed at once; a state that came by itself, after a
  time, has a row of its own.
- Everything is in the case's own numbers and can be pasted into a case.
- What no step foresaw, and what failed the case, is marked ``!`` before the rail; where no
  segment is to blame, the last row says what was missed.
- A window is shown where it tells something (see :mod:`.windows`).
- What the target's kernel said of itself (``dropped: TCP_INVALID_SEQUENCE``) stands behind the
  segment that it is about.
- What the notation's line cannot say of a crafted segment (a bad checksum) stands behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from conformance.case.calls import names_new_socket
from conformance.case.step import Step, Way
from conformance.case.verbs.call import Call, OfCall, Spawn
from conformance.play.asides import Aside, Noticed
from conformance.play.events import CallReturned
from conformance.play.record import Entry, Record, What
from conformance.play.verdict import Outcome
from conformance.report import kernel_words
from conformance.report.ladder_layout import WIDEST, LadderRow, draw
from conformance.report.many import left_out
from conformance.report.plan import head, plan
from conformance.report.windows import with_windows
from conformance.tcp.addresses import OTHER
from conformance.tcp.segment import WRONG_CHECKSUM, Segment

_TOGETHER: Final = 0.002  # a state this soon after a row is drawn beside it
_SLACK: Final = 0.00002  # by which two clocks of one target may disagree on what came first
_BLOCKED: Final = 0.010  # a call that took longer says so
_MOVERS: Final = ("listen", "connect", "close", "shutdown", "abort")  # calls that change states
_WRONG: Final = (Outcome.FAIL, Outcome.BLOCKED, Outcome.INCONCLUSIVE)
_WAYS: Final = {
    What.SENT: Way.TO_TARGET,
    What.RECEIVED: Way.TO_TESTER,
    What.ICMP: Way.TO_TARGET,
    What.CALL: Way.AT_TARGET,
    What.STATE: Way.AT_TARGET,
    What.NOTE: Way.BETWEEN,
}

__all__ = ["culprit", "head", "in_time", "ladder", "moment", "owner", "plan", "rows"]


@dataclass(frozen=True, slots=True)
class _Placed:
    """An entry at the time it is drawn at, its text there, and what its row adds."""

    at: float
    entry: Entry
    text: str
    remark: str = ""


def ladder(
    record: Record, *, upto: Step | None = None, width: int = WIDEST, color: bool = False
) -> str:
    """What happened, as a ladder; with ``upto`` nothing after the last thing of that step."""
    found = rows(record, upto=upto)
    return draw(found, width=width, color=color) if found else "nothing happened\n"


def rows(record: Record, *, upto: Step | None = None) -> list[LadderRow]:
    """The rows of the ladder, for whoever draws them."""
    entries = in_time(record)
    if upto is not None:
        last = max((i for i, p in enumerate(entries) if owner(p.entry) is upto), default=None)
        entries = entries if last is None else entries[: last + 1]
    return [*_rows(record, _few(record, entries)), *_missed(record, upto)]


def _few(record: Record, placed: list[_Placed]) -> list[_Placed]:
    """Without most of the connections that did the same; one line stands for them."""
    left = left_out(record, culprit(record))
    found, told = [], set()
    for one in placed:
        text = left.get(one.entry.conn)
        if text is None:
            found.append(one)
        elif text and one.entry.conn not in told:
            told.add(one.entry.conn)
            entry = replace(one.entry, what=What.NOTE, text=text, segment=None, lost=False)
            found.append(_Placed(one.at, entry, text))
    return found


def _missed(record: Record, upto: Step | None) -> list[LadderRow]:
    """What failed the case, where no row can be marked."""
    verdict = record.verdict
    if verdict is None or verdict.failure is None or culprit(record) is not None:
        return []
    if verdict.outcome not in _WRONG or upto not in (None, verdict.step):
        return []
    time = moment(record.events[-1][0] - record.started) if record.events else ""
    conn = verdict.step.conn if verdict.step else ""
    return [LadderRow(Way.BETWEEN, verdict.failure.message, time, conn, mark="!", style="bad")]


def in_time(record: Record) -> list[_Placed]:
    """The entries by the time at which they are drawn; equal times keep the order they came in."""
    began: dict[float, float] = {}
    for _, event in record.events:
        if isinstance(event, CallReturned):
            at, started = event.at - record.started, event.started - record.started
            began[round(at, 6)] = max(started, began.get(round(at, 6), started))
    told = with_windows(record)
    entries = enumerate(record.entries)
    words, left = kernel_words.beside(record)
    placed = [_place(one, began, told.get(at, one.text), words.get(at)) for at, one in entries]
    placed += [_alone(aside, record) for aside in left]
    placed.sort(key=lambda one: one.at)
    for i in range(1, len(placed)):
        at = i
        while at and _caused(placed[at], placed[at - 1]):
            placed[at - 1 : at + 1] = placed[at], placed[at - 1]
            at -= 1
    return placed


def _caused(call: _Placed, state: _Placed) -> bool:
    """Whether a call moved the target to a state that was told before the call's return."""
    if state.entry.what is not What.STATE or call.entry.what is not What.CALL:
        return False
    step = call.entry.step
    if not isinstance(step, Call | Spawn) or step.value.name not in _MOVERS:
        return False
    return call.at <= state.at + _SLACK and call.entry.conn == state.entry.conn


def _alone(aside: Aside, record: Record) -> _Placed:
    """What the kernel did, or asked the link, and no segment shows."""
    at = aside.at - record.started
    port = getattr(aside, "tester_port", record.addressing.tester_port)
    near = (one for one in record.entries if one.segment and port in _ports(one.segment))
    conn = next((one.conn for one in near), "")
    who = "the link" if isinstance(aside, Noticed) else "the kernel"
    text = f"{who}: {kernel_words.said(aside)}"
    return _Placed(at, Entry(at, What.NOTE, text, conn), text)


def _ports(segment: Segment) -> tuple[int, int]:
    return segment.sport, segment.dport


def _place(entry: Entry, began: dict[float, float], text: str, word: str | None) -> _Placed:
    step = entry.step
    started = began.get(round(entry.at, 6))
    if entry.what is not What.CALL or not isinstance(step, Call) or started is None:
        return _Placed(entry.at, entry, text, f"  ({word})" if word else "")
    took = entry.at - started
    return _Placed(
        started, entry, text, f"  after {moment(took).strip()}" if took > _BLOCKED else ""
    )


def owner(entry: Entry) -> Step | None:
    """The step that an entry belongs to: the one that took it, else the one being played."""
    return entry.taken or entry.step


def culprit(record: Record) -> Entry | None:
    """The segment that failed the case, if a segment did."""
    verdict = record.verdict
    if verdict is None or verdict.outcome not in _WRONG or verdict.failure is None:
        return None
    actual = _plain(verdict.failure.actual)
    came = [entry for entry in record.entries if entry.what is What.RECEIVED and entry.text]
    for entry in reversed(came):
        text = _plain(entry.text)
        if actual == text or actual.startswith(f"{text} after "):
            return entry
    return None


def _plain(text: str) -> str:
    """Without the window, which a failure shows and the story does not."""
    return re.sub(r" win=\d+", "", text)


def _rows(record: Record, placed: Iterable[_Placed]) -> list[LadderRow]:
    guilty = culprit(record)
    rows: list[LadderRow] = []
    told = {""} if not record.case.given else set()
    previous: _Placed | None = None
    for item in placed:
        entry, step = item.entry, owner(item.entry)
        if step is not None and step.origin not in told:
            told.add(step.origin)
            rows.append(LadderRow(Way.RULE, f"given: {step.origin}" if step.origin else "the case"))
            previous = None
        if entry.what is What.STATE and previous and _beside(previous, item, rows[-1]):
            rows[-1] = replace(rows[-1], state=entry.text)
            continue
        rows.append(_row(item, guilty))
        previous = item
    return rows


def _beside(previous: _Placed, item: _Placed, row: LadderRow) -> bool:
    """Whether a state belongs to the row before it."""
    before = previous.entry
    moves = row.way in (Way.TO_TARGET, Way.TO_TESTER, Way.AT_TARGET) and not row.state
    return moves and before.conn == item.entry.conn and item.at - previous.at <= _TOGETHER


def _row(item: _Placed, guilty: Entry | None) -> LadderRow:
    entry = item.entry
    wrong = entry.unforeseen or entry is guilty
    state = entry.text if entry.what is What.STATE else ""
    return LadderRow(
        _way(entry),
        "" if state else _text(item) + item.remark,
        moment(item.at),
        entry.conn,
        state,
        "!" if wrong else "",
        entry.lost,
        "bad" if wrong else "",
    )


def _way(entry: Entry) -> Way:
    if entry.what is What.NOTE and entry.step is not None and entry.step.own_notes:
        return entry.step.way
    return _WAYS[entry.what]


def _text(item: _Placed) -> str:
    """The entry's text; a call's new socket by the name that the case gives it."""
    entry = item.entry
    if entry.what is What.ICMP:
        return f"icmp {entry.text}"
    if entry.what is What.CALL and isinstance(entry.step, OfCall):
        new = names_new_socket(entry.step.value)
        return re.sub(r" = \d+$", f" = {new}", entry.text) if new else entry.text
    let_by = f"  (tolerated: {entry.tolerated})" if entry.tolerated else ""
    network = f"  (network: {entry.network})" if entry.network else ""
    return item.text + (_crafted(entry.segment) if entry.segment else "") + network + let_by


def _crafted(segment: Segment) -> str:
    """What of its header no line of the notation can say."""
    told = []
    if segment.checksum is not None:
        bad = segment.checksum == WRONG_CHECKSUM
        told.append("bad checksum" if bad else f"bad checksum 0x{segment.checksum:04x}")
    if segment.offset is not None:
        told.append(f"data offset {segment.offset}")
    if segment.reserved:
        told.append(f"reserved bits {segment.reserved}")
    told += [f"from {OTHER}"] if segment.ip.sender == OTHER else []
    told += [f"to {OTHER}"] if segment.ip.receiver == OTHER else []
    told += segment.trouble
    return f"  ({'; '.join(told)})" if told else ""


def moment(seconds: float) -> str:
    """A time in milliseconds below a second, else in seconds; units stand in one column."""
    if abs(seconds) < 0.9995:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds:.3f} s "
