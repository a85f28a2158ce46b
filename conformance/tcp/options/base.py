"""What every option can do, and the options that belong to no family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Option(Protocol):
    """One option of a header, immutable and comparable."""

    @property
    def kind(self) -> int:
        """The option-kind octet."""
        ...

    def encode(self) -> bytes:
        """Kind, length and body as octets, without padding."""
        ...


@dataclass(frozen=True, slots=True)
class OptionFamily:
    """One line of the table: the kind, its name in the notation, how its body is read.

    ``decode`` answers None for a body whose length the kind does not allow.
    """

    kind: int
    name: str
    decode: Callable[[bytes], Option | None]


@dataclass(frozen=True, slots=True)
class Eol:
    """End of Option List; ``rest`` is what follows it, zeros in a sane header (MUST-69)."""

    rest: bytes = b""

    @property
    def kind(self) -> int:
        return 0

    def encode(self) -> bytes:
        return b"\0" + self.rest


@dataclass(frozen=True, slots=True)
class Nop:
    """No-Operation, one octet."""

    @property
    def kind(self) -> int:
        return 1

    def encode(self) -> bytes:
        return b"\1"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A well-formed option of a kind, or of a length, that no family reads."""

    kind: int
    body: bytes

    def encode(self) -> bytes:
        return bytes((self.kind, len(self.body) + 2)) + self.body


@dataclass(frozen=True, slots=True)
class Malformed:
    """The rest of an options field from the option whose length is impossible (MUST-7)."""

    octets: bytes

    @property
    def kind(self) -> int:
        return self.octets[0]

    def encode(self) -> bytes:
        return self.octets
