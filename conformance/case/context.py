"""What every reader of a value needs of the case around it, and the texts that it begins with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, Protocol, TypeVar

from conformance.case.faults import Faults
from conformance.case.nodes import LONGEST_TEXT, Node, Scalar, Sequence
from conformance.case.step import Step
from conformance.notation.scanner import NotationError, suggest

_T = TypeVar("_T")
_LONG: Final = 200  # characters of a text that no other case repeats
PARAMETER: Final = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


class Context(Protocol):
    """What a reader needs of the case around it."""

    @property
    def faults(self) -> Faults:
        """Where a reader notes what is wrong."""

    @property
    def params(self) -> Mapping[str, str]:
        """The parameters' values in this combination."""

    def steps(self, node: Node) -> tuple[Step, ...]:
        """The steps of a list."""


class CaseContext(Context, Protocol):
    """The same of a case, whose steps name requirements."""

    def requirements(self, node: Node) -> tuple[str, ...]:
        """The ids of a list of requirements."""


def scalar(node: Node, context: Context, what: str) -> Scalar | None:
    """The node as a scalar that is not empty, or a fault that says ``what`` was expected."""
    if isinstance(node, Scalar):
        if node.text.strip():
            return node
        context.faults.add(node.span, f"{what} expected, nothing is written")
    else:
        kind = "a list" if isinstance(node, Sequence) else "a mapping"
        context.faults.add(node.span, f"{what} expected, not {kind}")
    return None


def plain_text(node: Node, context: Context, what: str) -> str | None:
    """A text that is not in the notation: each ``$name`` in it is replaced by its value."""
    found = scalar(node, context, what)
    if found is None:
        return None
    for match in PARAMETER.finditer(found.text):
        if match[1] not in context.params:
            known = context.params
            hint = suggest(match[1], known) if known else "the case has no parameters"
            span = found.part(match.start(), len(match[0]))
            context.faults.add(span, f"unknown parameter {match[0]}", hint)
            return None
    text = PARAMETER.sub(lambda match: context.params[match[1]], found.text)
    if len(text) > LONGEST_TEXT:
        context.faults.add(found.span, f"a text longer than {LONGEST_TEXT} characters")
        return None
    return text


def note_flaws(node: Scalar, error: NotationError, context: Context) -> None:
    """The flaws of a text, at their places in the file; one inside a parameter says its value."""
    for flaw in error.flaws:
        message = flaw.message
        match = PARAMETER.match(node.text, flaw.offset)
        if match and match[1] in context.params and not message.startswith("in $"):
            message = f"in {match[0]} = {context.params[match[1]]}: {message}"
        context.faults.add(node.part(flaw.offset, flaw.length), message, flaw.hint)


def parsed(
    node: Node, context: Context, what: str, parse: Callable[[str, Mapping[str, str]], _T]
) -> _T | None:
    """What a text in the notation says, frozen; None where it says nothing, its fault noted."""
    found = scalar(node, context, what)
    if found is None:
        return None
    try:
        if "$" in found.text or len(found.text) >= _LONG:
            return parse(found.text, context.params)
        said: _T = _without_parameters(parse, found.text)
    except NotationError as error:
        note_flaws(found, error, context)
        return None
    return said


@lru_cache(maxsize=4096)
def _without_parameters(parse: Callable[[str, Mapping[str, str]], Any], text: str) -> Any:
    """What a text says in every case; cases repeat a few of them."""
    return parse(text, {})
