"""The timers of a case on an axis: when each thing came, in the band that was permitted.

A row a bound: the band from the earliest to the latest time, counted from what caused it, and a
mark where it came; a round one within, a cross without. The axis is logarithmic where the times of
one case are of different orders. Nothing here knows a colour: classes do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.play.timing import Timing
from conformance.report.ladder import moment
from conformance.report.site.markup import NOTHING, Html, joined, line, tag
from conformance.visible import on_one_line

_LEFT, _AXIS, _SIDE = 200, 224, 176  # pixels: the steps, the times, what is said of them
_ROW: Final = 24
_CHARACTERS: Final = 28
_MOST: Final = 80  # rows of one picture
_FAR: Final = 30.0  # times as long: then the axis is logarithmic
_SHORTEST: Final = 1e-4  # seconds on it
_EQUAL: Final = 2e-6


@dataclass(frozen=True, slots=True)
class _Scale:
    """Seconds to pixels, and the seconds that are written below."""

    to: Callable[[float], float]
    ticks: tuple[float, ...]


def timers(timings: Sequence[Timing]) -> Html:
    """A picture of them; nothing where no step had a bound."""
    shown = timings[:_MOST]
    if not shown:
        return NOTHING
    scale = _scale([time for one in shown for time in (one.low, one.high, one.took or 0.0)])
    bottom = len(shown) * _ROW + 8
    rows = [_row(one, number * _ROW + 4, scale) for number, one in enumerate(shown)]
    width = _LEFT + _AXIS + _SIDE
    picture = Html(
        f'<svg class="timers" viewBox="0 0 {width} {bottom + 22}" width="{width}" '
        f'height="{bottom + 22}" role="group" aria-label="when things came, and when they may">'
        f"{_axis(scale, bottom)}{''.join(rows)}</svg>"
    )
    left = len(timings) - len(shown)
    return joined((picture, tag("p", f"And {left} more.") if left else NOTHING))


def outside(timing: Timing) -> str:
    """In a word why it is not permitted; empty where it is."""
    took = timing.took
    if took is None:
        return "nothing came"
    if took < timing.low - _EQUAL:
        return "too short" if timing.stays else "too early"
    return "too late" if took > timing.high + _EQUAL and not timing.stays else ""


def _row(timing: Timing, top: float, scale: _Scale) -> str:
    middle = top + _ROW / 2
    wrong = outside(timing)
    said = on_one_line(timing.step.text)
    short = said if len(said) <= _CHARACTERS else said[: _CHARACTERS - 3] + "..."
    begin, end = scale.to(timing.low), scale.to(timing.high)
    if timing.stays:
        begin, end = scale.to(0.0), begin
    told = _told(timing) + (f", {wrong}" if wrong and timing.took is not None else "")
    return (
        f"<g><title>{line(f'{said}: {told}; permitted {_band(timing)}')}</title>"
        f'<text x="4" y="{middle + 4:g}">{line(short)}</text>'
        f'<rect x="{begin:g}" y="{top + 5:g}" width="{max(end - begin, 2):g}" height="{_ROW - 10}" '
        f'class="allowed"/>{_mark(timing, middle, scale, bad=bool(wrong))}'
        f'<text x="{_LEFT + _AXIS + 10}" y="{middle + 4:g}" '
        f'class="{"bad-text" if wrong else "time"}">{line(told)}</text></g>'
    )


def _mark(timing: Timing, y: float, scale: _Scale, *, bad: bool) -> str:
    if timing.took is None:
        return ""
    x = scale.to(timing.took)
    if not bad:
        return f'<circle cx="{x:g}" cy="{y:g}" r="4.5" class="came"/>'
    return f'<path d="M{x - 5:g} {y - 5:g}l10 10m0 -10l-10 10" class="wrong"/>'


def _told(timing: Timing) -> str:
    if timing.took is None:
        return "nothing came"
    took = moment(timing.took).strip()
    if timing.stays:
        return f"stayed {took}"
    return f"{took} (x {timing.took / timing.before:.2f})" if timing.before else took


def _band(timing: Timing) -> str:
    low, high = moment(timing.low).strip(), moment(timing.high).strip()
    return f"{low} and longer" if timing.stays else f"{low} to {high}"


def _axis(scale: _Scale, bottom: float) -> str:
    ticks = []
    for seconds in scale.ticks:
        x = scale.to(seconds)
        ticks.append(
            f'<line x1="{x:g}" y1="2" x2="{x:g}" y2="{bottom:g}" class="grid-line"/>'
            f'<text x="{x:g}" y="{bottom + 15:g}" class="time" text-anchor="middle">'
            f"{_short(seconds)}</text>"
        )
    return "".join(ticks)


def _short(seconds: float) -> str:
    for unit, name in ((3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms")):
        if seconds >= unit and (unit < 60 or seconds % unit == 0):
            return f"{seconds / unit:.4g} {name}"
    return f"{seconds * 1e6:.4g} us" if seconds else "0"


def _scale(times: Sequence[float]) -> _Scale:
    longest = max(*times, _SHORTEST)
    least = min((time for time in times if time > _SHORTEST), default=longest)
    if longest / least > _FAR:
        low, high = math.floor(math.log10(least)), math.log10(longest * 1.1)

        def far(seconds: float) -> float:
            where = (math.log10(max(seconds, 10.0**low)) - low) / max(high - low, 1e-9)
            return _LEFT + _AXIS * min(1.0, max(0.0, where))

        return _Scale(far, tuple(10.0**n for n in range(low, math.floor(high) + 1)))
    step = _nice(longest / 4)
    end = longest * 1.06
    ticks = tuple(n * step for n in range(int(end / step) + 1))
    return _Scale(lambda seconds: _LEFT + _AXIS * min(1.0, seconds / end), ticks)


def _nice(rough: float) -> float:
    """1, 2 or 5 times a power of ten, no less than this."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= rough * 0.999)
