"""The command that plays a case again, alone: what a report of a failure ends with."""

from __future__ import annotations

import shlex
from typing import Final

from conformance.play.record import Record

_LONG: Final = 5.0  # seconds of real time; a case of a few more is left out without --slow


def run_again(record: Record) -> str:
    """The command that runs this case alone, on the same target, with the same parameters."""
    _, _, played = record.id.partition("::")
    took = 0.0 if record.profile.virtual or not record.entries else record.entries[-1].at
    slow = " --slow" if took > _LONG else ""
    file = record.profile.facts.get("file", "")
    target = f" --target {shlex.quote(file)}" if file else ""
    name = record.profile.facts.get("surroundings", "")
    around = f" --surroundings {shlex.quote(name)}" if name else ""
    return f"conformance run {shlex.quote(f'{record.case.path}::{played}')}{slow}{target}{around}"
