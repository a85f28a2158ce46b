"""What a host has a guest play: pickled by the one, read by the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conformance.targets.base import Job


@dataclass(frozen=True, slots=True)
class Orders:
    """What one guest has to do."""

    name: str
    facts: Mapping[str, str]
    jobs: Sequence[Job]
    at_once: int
