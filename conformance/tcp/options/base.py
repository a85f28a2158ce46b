"""What an option is, and what a family of options says of itself.

Rules: a family is one row, in one file, and all that deals with options reads the row: the octets
of a header, the text of a case and of a report, what its numbers may be, the schema, a record. The
row is data. The text of an option is *described* here and read by :mod:`conformance.notation`,
which knows the marks, the expressions and the places of flaws: so an option is one file, and TCP
as the wire has it still knows nothing of a notation. What no family has is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from itertools import cycle
from typing import Protocol, TypeVar

_T = TypeVar("_T")


class Option(Protocol):
    """One option of a header, immutable and comparable; a dataclass, its fields in wire order."""

    @property
    def kind(self) -> int:
        """The option-kind octet."""
        ...

    def encode(self) -> bytes:
        """Kind, length and body as octets, without padding."""
        ...


@dataclass(frozen=True, slots=True)
class NumberField:
    """A number of an option, unsigned, in so many octets.

    ``sequence``: a sequence number of whoever receives the option, which a case writes relative.
    ``field``: its name in an expression that quotes a segment, as in ``first.TSval``.
    """

    octets: int
    sequence: bool = False
    field: str = ""

    @property
    def most(self) -> int:
        """The greatest that its octets can hold."""
        return (1 << 8 * self.octets) - 1


@dataclass(frozen=True, slots=True)
class Text:
    """How the numbers of an option are written after its name: data, which the notation reads.

    ``mark`` stands between two of them, a space if it is empty; ``sides`` says what is on both
    sides of it, to whoever left it out. ``repeats``: the whole comes once or more, with spaces
    between. ``octets``: octets in hexadecimal may follow, of one of the ``sizes`` if it names any.
    ``literal``: neither ``*`` nor an expression will do. ``quoted``: the octets may be ``*`` too,
    or those of a named segment, as in ``first.cookie``; this is the name behind the dot.
    ``computed``: so many octets are computed where none are written; ``bad`` stands for others.
    """

    numbers: tuple[NumberField, ...] = ()
    mark: str = ""
    sides: str = ""
    repeats: bool = False
    octets: bool = False
    literal: bool = False
    quoted: str = ""
    sizes: tuple[int, ...] = ()
    computed: int = 0

    @property
    def spaced(self) -> bool:
        """Whether a space is what separates two numbers."""
        return self.repeats or (len(self.numbers) > 1 and not self.mark)

    @property
    def form(self) -> str:
        """``N``, ``N/N``, ``N:N ...``: the shape in short, for people."""
        shape = (self.mark or " ").join("N" for _ in self.numbers) + " ..." * self.repeats
        octets = f"0xHEX|*|LABEL.{self.quoted}" if self.quoted else "0xHEX" * self.octets
        octets += "|bad" * bool(self.computed)
        return " ".join(part for part in (shape, octets) if part)


@dataclass(frozen=True, slots=True)
class OptionFamily:
    """One row: the kind, the name in the notation and in a record, the class, what reads its body.

    ``kind`` is None where the option itself holds it. ``decode`` answers None for a body whose
    length the kind does not allow; it is None where no length and body follow the kind. ``text``
    is None for what no case can write by a name. ``padding`` is free wherever none is written.
    """

    kind: int | None
    name: str
    option: type[Option]
    decode: Callable[[bytes], Option | None] | None = None
    text: Text | None = field(default_factory=Text)
    padding: bool = False

    def make(self, numbers: Sequence[int], body: bytes = b"") -> Option:
        """The option of these numbers, in the order of the wire, and octets where it has some."""
        build: Callable[..., Option] = self.option
        text = self.text or Text()
        if not text.repeats:
            return build(*numbers, *([body] if text.octets else []))
        size = len(text.numbers)
        groups = (tuple(numbers[at : at + size]) for at in range(0, len(numbers), size))
        return build(tuple(groups))

    def along(self, values: Iterable[_T]) -> Iterator[tuple[_T, NumberField]]:
        """Each value with the number that it is, in the order of the wire."""
        return zip(values, cycle(self.text.numbers if self.text else ()), strict=False)

    def numbers(self, option: Option) -> tuple[int, ...]:
        """The numbers of an option of this family, as :meth:`make` takes them."""
        return tuple(_whole(_parts(option)))

    def octets(self, option: Option) -> bytes | None:
        """The octets of an option that a case writes in hexadecimal; None where it has none."""
        if self.text is None or not self.text.octets:
            return None
        return next(part for part in _parts(option) if isinstance(part, bytes))


def _parts(option: Option) -> tuple[object, ...]:
    return astuple(option)  # type: ignore[call-overload, no-any-return]


def _whole(parts: Sequence[object]) -> Iterator[int]:
    for part in parts:
        if isinstance(part, tuple):
            yield from _whole(part)
        elif isinstance(part, int):
            yield part
