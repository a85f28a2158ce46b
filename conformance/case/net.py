"""``net: {loss: 5%, delay: 50ms, mtu: 1400}``: what the network between the two does to packets.

What is chosen is a share of the segments, by the seed, or those of a list, counted from the step
on, each way by itself.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from conformance.case.context import Context, parsed, plain_text
from conformance.case.nodes import Mapping as MappingNode
from conformance.case.nodes import Node, Sequence
from conformance.case.plain import is_integer
from conformance.notation.printer import print_duration
from conformance.notation.scanner import suggest
from conformance.notation.time import Duration, parse_duration

MOST_PLACES: Final = 64
LONGEST_DELAY: Final = 60.0  # seconds, one way
MOST_BEHIND: Final = 64
# RFC 791 section 3.2: what every host forwards whole. Ours is a link of Ethernet.
LEAST_MTU: Final = 68
MOST_MTU: Final = 1500
MOST_SEED: Final = (1 << 32) - 1
NONE: Final = "none"
_SHARE: Final = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)%")


@dataclass(frozen=True, slots=True)
class ChosenSegments:
    """Which segments: so many of a hundred, or those of these places, from 1 on."""

    percent: float = 0.0
    places: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.percent or self.places)

    def __str__(self) -> str:
        if self.places:
            return f"[{', '.join(map(str, self.places))}]"
        return f"{self.percent:g}%"


@dataclass(frozen=True, slots=True)
class NetText:
    """What is written; a network that does nothing where nothing is.

    ``by``: behind how many others a segment comes that is reordered. ``mtu`` 0: that of the link.
    """

    loss: ChosenSegments = ChosenSegments()
    duplicate: ChosenSegments = ChosenSegments()
    reorder: ChosenSegments = ChosenSegments()
    by: int = 1
    delay: Duration | None = None
    mtu: int = 0
    seed: int = 1

    @property
    def repairs(self) -> bool:
        """Whether a sender repeats some of what it sent."""
        return bool(self.loss or self.duplicate or self.reorder or self.mtu)

    @property
    def by_chance(self) -> bool:
        """Whether the seed tells."""
        return any(one.percent % 100 for one in (self.loss, self.duplicate, self.reorder))


NOTHING: Final = NetText()
KEYS: Final[Mapping[str, str]] = {
    "loss": "which are lost: 5%, or [3, 4]",
    "duplicate": "which come twice",
    "reorder": "which come behind others",
    "by": "behind how many",
    "delay": "how long each is on its way, one way",
    "mtu": "the largest packet that gets through",
    "seed": "of what is chosen by chance",
}


def show_net(text: NetText) -> str:
    """The committed spelling."""
    parts = [f"{name}: {one}" for name in ("loss", "duplicate", "reorder")
             if (one := getattr(text, name))]  # fmt: skip
    parts += [f"by: {text.by}"] if text.by > 1 else []
    parts += [f"delay: {print_duration(text.delay)}"] if text.delay is not None else []
    parts += [f"mtu: {text.mtu}"] if text.mtu else []
    parts += [f"seed: {text.seed}"] if text.seed != 1 else []
    return f"{{{', '.join(parts)}}}" if parts else NONE


def read_net(node: Node, context: Context) -> NetText | None:
    """``none``, or a mapping; None after a fault."""
    before = len(context.faults)
    if not isinstance(node, MappingNode):
        if plain_text(node, context, "what the network does") not in (NONE, None):
            hint = "as in {loss: 5%, delay: 50ms}, or none"
            context.faults.add(node.span, "the network is a mapping", hint)
        return NOTHING if len(context.faults) == before else None
    found: dict[str, Any] = {}
    for key, value in node.entries:
        if context.faults.full:
            break
        if key.text in KEYS:
            found[key.text] = _READERS[key.text](value, context)
        else:
            context.faults.add(key.span, f"unknown key {key.text} of net", suggest(key.text, KEYS))
    if len(context.faults) > before:
        return None
    text = replace(NOTHING, **found)
    if not (found.keys() - {"by", "seed"}):
        hint = f"net: {NONE} is a network that does nothing"
        context.faults.add(node.span, "this network does nothing", hint)
    for name, of in (("by", bool(text.reorder)), ("seed", text.by_chance)):
        if name in found and not of and len(context.faults) == before:
            what = "reorder" if name == "by" else "a share such as loss: 5%"
            context.faults.add(node.span, f"{name}: says nothing without {what}")
    return text if len(context.faults) == before else None


def _chosen(node: Node, context: Context) -> ChosenSegments | None:
    nodes = node.items if isinstance(node, Sequence) else [node]
    texts = [plain_text(one, context, "a share such as 5%, or places") for one in nodes]
    if None in texts:
        return None
    share = _SHARE.fullmatch(texts[0] or "") if len(texts) == 1 else None
    if share is not None:
        percent = float(share[1])
        if not 0 < percent <= 100:
            hint = "above 0%, at most 100%"
            context.faults.add(node.span, f"{texts[0]} is no share of the segments", hint)
        return ChosenSegments(percent)
    if len(texts) == 1 and not isinstance(node, Sequence) and is_integer(texts[0] or ""):
        hint = f"{texts[0]}% is a share, [{texts[0]}] a place"
        context.faults.add(node.span, f"{texts[0]} of what?", hint)
        return None
    parts = [part.strip() for text in texts for part in (text or "").split(",")]
    places = tuple(int(part, 0) for part in parts if is_integer(part))
    rising = all(one < other for one, other in itertools.pairwise((0, *places)))
    if not places or len(places) < len(parts) or not rising or len(places) > MOST_PLACES:
        hint = f"5%, or places as in [2, 5], one after the other, at most {MOST_PLACES}"
        context.faults.add(node.span, "which segments? a share or places expected", hint)
    return ChosenSegments(places=places)


def _delay(node: Node, context: Context) -> Duration | None:
    found = parsed(node, context, "a duration such as 50ms", parse_duration)
    length = 1.0 if found is None else found.seconds(lambda _: 1.0)
    if not 0 < length <= LONGEST_DELAY:
        hint = f"above 0, at most {LONGEST_DELAY:g}s, one way"
        context.faults.add(node.span, "no packet is on its way so long", hint)
    return found


def _number(name: str, least: int, most: int) -> Callable[[Node, Context], int | None]:
    def read(node: Node, context: Context) -> int | None:
        text = plain_text(node, context, f"a number for {name}")
        if text is None:
            return None
        if not is_integer(text) or not least <= int(text, 0) <= most:
            hint = f"a whole number, {least} to {most}"
            context.faults.add(node.span, f"{name} {text} is out of range", hint)
            return None
        return int(text, 0)

    return read


_READERS: Final[Mapping[str, Callable[[Node, Context], Any]]] = {
    "loss": _chosen,
    "duplicate": _chosen,
    "reorder": _chosen,
    "by": _number("by", 1, MOST_BEHIND),
    "delay": _delay,
    "mtu": _number("mtu", LEAST_MTU, MOST_MTU),
    "seed": _number("seed", 0, MOST_SEED),
}


def schema() -> dict[str, Any]:
    """For editors."""
    place: dict[str, Any] = {"type": ["integer", "string"], "minimum": 1}
    chosen = {"anyOf": [{"type": "string"}, {"type": "array", "items": place, "minItems": 1}]}
    numbers = {"by": (1, MOST_BEHIND), "mtu": (LEAST_MTU, MOST_MTU), "seed": (0, MOST_SEED)}
    forms: dict[str, dict[str, Any]] = {
        **dict.fromkeys(("loss", "duplicate", "reorder"), chosen),
        "delay": {"type": "string"},
        **{
            name: {"type": ["integer", "string"], "minimum": low, "maximum": high}
            for name, (low, high) in numbers.items()
        },
    }
    properties = {name: {**forms[name], "description": doc} for name, doc in KEYS.items()}
    whole = {
        "type": "object",
        "properties": properties,
        "minProperties": 1,
        "additionalProperties": False,
    }
    return {"anyOf": [{"const": NONE}, whole]}
