"""A run as it goes on, for a person: plain lines in a pipe, a moving line on a terminal.

Both have the same small interface, and both end with the same line. Rules:

- In a pipe every case is a line and nothing is ever erased, so that a log reads from top to
  bottom; why the bad ones failed stands together at the end, where a log is read first.
- On a terminal a case that passed only moves the line; whatever else comes is printed above it,
  explained, as soon as it comes.
- Many failures are told by cause, the commonest first; only the first of a cause is explained.
- What runs, what the slowest case waits for and the time that is left at least stand in the moving
  line; a log is told them only when nothing else was said for half a minute.
- The same remark is made once. rich is loaded for a terminal alone; it draws when a case has
  ended, ten times a second at most and never from a thread of its own, because drawing takes
  milliseconds and other cases are waiting for their segments.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final, Protocol, TextIO

from conformance.play.record import Record
from conformance.play.verdict import Outcome
from conformance.report.causes import BAD, causes, shown
from conformance.report.colour import Colours
from conformance.report.progress import Forecast, Running, about, duration, waits
from conformance.report.summary import Summary
from conformance.visible import on_one_line

_FEW: Final = 5  # failures that are all explained
_REST: Final = "Each is told whole by: conformance run ... --record FILE; conformance replay FILE"
_SILENT: Final = 30.0  # seconds after which a log says how far the run is
_REDRAW: Final = 0.1  # seconds between two drawings of the moving line
_WORD: Final = len("INCONCLUSIVE") + 2

Explain = Callable[[Record], str]
Clock = Callable[[], float]


def _no_clock() -> float:
    return 0.0


class Reporter(Protocol):
    """Whoever wants to know how a run goes."""

    def begin(self, total: int, forecast: Forecast | None = None) -> None:
        """So many cases will be played; ``forecast`` tells what time is left."""

    def ended(self, record: Record, seconds: float) -> None:
        """One more has its final verdict; it took so many seconds of real time."""

    def running(self, now: Running) -> None:
        """These are being played."""

    def note(self, text: str) -> None:
        """A remark about the run, made once however often it is told."""

    def finish(self, summary: Summary) -> None:
        """That was all."""


def case_line(record: Record, seconds: float, *, color: bool = False) -> str:
    """``PASS  rfc9293/...::linux-ipv4  12 ms``, with the reason of whatever is no pass."""
    verdict = record.verdict
    outcome = verdict.outcome if verdict else Outcome.ERROR
    paint = Colours(color)
    reason = verdict.reason if verdict else "it never ended"
    word = paint(f"{str(outcome).upper():<{_WORD}}", str(outcome))
    again = f"  (played {record.reruns + 1} times)" if record.reruns else ""
    took = "" if outcome is Outcome.SKIPPED else f"  {duration(seconds)}"
    told = on_one_line(f"  {reason}" if reason else "")
    return f"{word}{on_one_line(record.id)}{paint(took, 'dim')}{again}{told}"


class SoFar:
    """What a run has come to, in a line."""

    def __init__(self, clock: Clock) -> None:
        self.now = Running()
        self._clock, self._begun = clock, clock()
        self._summary, self._total = Summary(), 0
        self._forecast: Forecast | None = None

    def begin(self, total: int, forecast: Forecast | None) -> None:
        """So many cases."""
        self._total, self._forecast, self._begun = total, forecast, self._clock()

    def ended(self, record: Record) -> None:
        """One more; it runs no longer."""
        self._summary.add(record)
        ages = {id: age for id, age in self.now.ages.items() if id != record.id}
        slowest = self.now.slowest if self.now.slowest in ages else ""
        self.now = Running(ages, slowest, self.now.step)
        if self._forecast:
            self._forecast.ended(record.id)

    def parts(self) -> tuple[str, str]:
        """What failed, and the rest of it: what runs, what time is left, the slowest."""
        bad = sum(self._summary.outcomes[outcome] for outcome in BAD)
        parts = [f"{len(self.now.ages)} running"] * bool(self.now.ages)
        elapsed = self._clock() - self._begun
        left = self._forecast.seconds(self.now, elapsed) if self._forecast else None
        if left is not None and left >= 1:
            parts.append(f"at least {about(left)} left")
        parts += [waits(self.now)] * bool(self.now.slowest)
        return f"{bad} not passed" if bad else "", ", ".join(parts)

    def line(self) -> str:
        """All of it, for a log."""
        done = self._summary.outcomes.total()
        return ", ".join(part for part in (f"{done} of {self._total} done", *self.parts()) if part)


class _Told(ABC):
    """What both know of a run: how far it is, what ended badly, which remarks were made."""

    def __init__(self, explain: Explain, clock: Clock) -> None:
        self._so_far = SoFar(clock)
        self._explain = explain
        self._bad: list[Record] = []
        self._noted: set[str] = set()

    def note(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self._say(text)

    @abstractmethod
    def _say(self, text: str) -> None:
        """Write it down, as a line of its own."""

    def _ended(self, record: Record) -> bool:
        """Count it; whether it has to be explained."""
        self._so_far.ended(record)
        bad = record.verdict is None or record.verdict.outcome in BAD
        self._bad += [record] * bad
        return bad

    @property
    def _few(self) -> bool:
        """Whether so far each of them is explained."""
        return len(self._bad) <= _FEW


class Lines(_Told):
    """For a pipe, a file, a log."""

    def __init__(
        self,
        stream: TextIO,
        *,
        explain: Explain,
        color: bool = False,
        clock: Clock = _no_clock,
    ) -> None:
        """``clock``: seconds; without one nothing is said while nothing ends."""
        super().__init__(explain, clock)
        self._clock, self._wrote = clock, 0.0
        self._stream = stream
        self._color = color

    def begin(self, total: int, forecast: Forecast | None = None) -> None:
        self._so_far.begin(total, forecast)
        self._say(f"{total} case{'' if total == 1 else 's'}")

    def ended(self, record: Record, seconds: float) -> None:
        self._ended(record)
        self._say(case_line(record, seconds, color=self._color))

    def running(self, now: Running) -> None:
        """Only where a log would otherwise be silent for long."""
        self._so_far.now = now
        if self._clock() - self._wrote >= _SILENT:
            self._say(f"... {self._so_far.line()}")

    def finish(self, summary: Summary) -> None:
        rule = "-" * 100
        found = causes(self._bad)
        for record in self._bad if self._few else [cause.example for cause in found[:_FEW]]:
            self._say(f"\n{rule}\n{self._explain(record).rstrip()}")
        if not self._few:
            self._say(f"\n{rule}\n{shown(found)}\n\n{_REST}")
        self._say(f"\n{summary.line(color=self._color)}")

    def _say(self, text: str) -> None:
        self._wrote = self._clock()
        self._stream.write(text + "\n")
        self._stream.flush()


class Screen(_Told):
    """For a terminal: one moving line, and above it what is no plain pass."""

    def __init__(
        self,
        stream: TextIO,
        *,
        explain: Explain,
        redraw: float = _REDRAW,
        clock: Clock = _no_clock,
    ) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.table import Column

        super().__init__(explain, clock)
        self._console = Console(file=stream, highlight=False, soft_wrap=True)
        told = TextColumn("{task.description}", table_column=Column(no_wrap=True, ratio=1))
        columns = (BarColumn(bar_width=20), MofNCompleteColumn(), told)
        self._progress = Progress(
            *columns,
            console=self._console,
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task: Any = None
        self._redraw = redraw
        self._drawn = 0.0

    def begin(self, total: int, forecast: Forecast | None = None) -> None:
        self._so_far.begin(total, forecast)
        self._task = self._progress.add_task("", total=total)
        self._progress.start()
        self._progress.refresh()

    def ended(self, record: Record, seconds: float) -> None:
        verdict = record.verdict
        if self._ended(record):
            told = self._explain(record) if self._few else case_line(record, seconds, color=True)
            self._say(told)
        elif verdict and verdict.outcome is Outcome.DEVIATES and not verdict.let_by:
            self._say(case_line(record, seconds, color=self._console.is_terminal))
        self._progress.update(self._task, advance=1)
        self._draw()

    def running(self, now: Running) -> None:
        self._so_far.now = now
        self._draw()

    def _draw(self) -> None:
        from rich.markup import escape

        at = self._progress.get_time()
        if at - self._drawn >= self._redraw:
            self._drawn = at
            bad, rest = self._so_far.parts()
            words = [f"[red]{bad}[/red]"] * bool(bad) + [escape(rest)]
            self._progress.update(self._task, description="  ".join(words))
            self._progress.refresh()

    def finish(self, summary: Summary) -> None:
        self._progress.stop()
        if not self._few:
            self._say(f"{shown(causes(self._bad))}\n\n{_REST}\n")
        self._say(summary.line(color=self._console.is_terminal))

    def _say(self, text: str) -> None:
        """Print above the line, escapes and brackets as they are."""
        from rich.text import Text

        self._console.print(Text.from_ansi(text))
