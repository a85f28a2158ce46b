"""One reader for each kind of value: from a node to what the interpreter is given.

The table ``READERS`` holds, for each ``Arg``, the function that reads it, the one that prints
it in its committed spelling, and the fragment of JSON Schema that describes it to an editor. A
reader notes what is wrong in the context and returns None; it never raises for a wrong case.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from conformance.case import calls, icmp, net, told
from conformance.case.context import CaseContext, Context, parsed, plain_text
from conformance.case.faults import Faults
from conformance.case.nodes import Mapping as MappingNode
from conformance.case.nodes import Node, Scalar, Sequence
from conformance.case.plain import flow_text, is_integer
from conformance.case.segments import read_segment, show_segment
from conformance.case.spans import Span
from conformance.case.step import MOST_ROUNDS, Arg, Branch, Step
from conformance.case.verbs import BY_NAME
from conformance.case.verbs.icmp import IcmpText
from conformance.notation.amount import Amount, parse_count, print_amount
from conformance.notation.call import parse_call
from conformance.notation.expr import LARGEST
from conformance.notation.printer import print_bounds, print_call, print_duration, print_ratio
from conformance.notation.scanner import suggest
from conformance.notation.time import parse_bounds, parse_duration, parse_ratio
from conformance.tcp.states import State

LABEL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FRAGMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
OPTION: Final = re.compile(r"[a-z][a-z0-9-]*")
# These names would read as something else in an expression.
SYSCTL: Final = re.compile(r"[a-z][A-Za-z0-9_./-]*")
SETTING: Final = re.compile(r"[a-z][a-z0-9-]*|net\.[A-Za-z0-9_./-]+")
_TAKEN: Final = ("SND", "RCV", "ISS", "IRS")
ACKS: Final = ("each", "second", "last", "none")
ENDS: Final = ("target", "tester")
MOST_PLACES: Final = 64
MOST_OCTETS: Final = 1 << 30


Read = Callable[[Node, CaseContext], Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """How one kind of value is read, shown on one line, and described in JSON Schema."""

    read: Read
    show: Callable[[Any], str]
    schema: Mapping[str, Any]


def _notation(what: str, parse: Callable[[str, Mapping[str, str]], Any]) -> Read:
    def read(node: Node, context: Context) -> Any:
        return parsed(node, context, what, parse)

    return read


def _segment(node: Node, context: Context) -> Any:
    return read_segment(node, context)


_CALL = _notation("a socket call such as close(c)", parse_call)


def _call(node: Node, context: CaseContext) -> Any:
    call = _CALL(node, context)
    if call is None or not isinstance(node, Scalar):
        return None
    found = calls.problems(call)
    for word, message, hint in found:
        match = re.search(rf"(?<![\w.]){re.escape(word)}(?![\w.])", node.text) if word else None
        at = node.part(match.start(), len(word)) if match else node.span
        context.faults.add(at, message, hint)
    return None if found else call


def _state(node: Node, context: Context) -> State | None:
    text = plain_text(node, context, "a state such as ESTABLISHED")
    if text is None:
        return None
    if text in State.__members__.values():
        return State(text)
    context.faults.add(node.span, f"unknown state {text}", suggest(text, [str(s) for s in State]))
    return None


def _states(node: Node, context: Context) -> tuple[State, ...] | None:
    if not isinstance(node, Sequence) or not node.items:
        context.faults.add(node.span, "a list of states expected", "as in [FIN-WAIT-1, CLOSING]")
        return None
    items = itertools.takewhile(lambda _: not context.faults.full, node.items)
    states = [_state(item, context) for item in items]
    found = tuple(state for state in states if state is not None)
    return found if len(found) == len(node.items) else None


def _count(node: Node, context: Context) -> int | None:
    text = plain_text(node, context, "a number of octets")
    if text is None:
        return None
    if not is_integer(text) or not 0 < int(text, 0) <= MOST_OCTETS:
        hint = f"a whole number, 1 to {MOST_OCTETS}"
        context.faults.add(node.span, f"{text} is no number of octets", hint)
        return None
    return int(text, 0)


def _rounds(node: Node, context: CaseContext) -> Amount | None:
    found: Amount | None = _notation("how often, as 3 or 3..", parse_count)(node, context)
    ends = () if found is None else (found.low, found.high)
    if any(isinstance(end, int) and not 0 <= end <= MOST_ROUNDS for end in ends) or (
        found is not None and (found.low is None or found.high == 0)
    ):
        hint = f"as in 3, 3.. or 2..5; at most {MOST_ROUNDS}"
        context.faults.add(node.span, "nothing is repeated so often", hint)
        return None
    return found


def _places(node: Node, context: Context) -> tuple[int, ...] | None:
    """``[2, 5]``, or ``2,5``, which a parameter may hold."""
    nodes = node.items if isinstance(node, Sequence) else [node]
    texts = [plain_text(one, context, "a number, from 1") for one in nodes]
    parts = [part.strip() for text in texts for part in (text or "").split(",")]
    if None in texts:
        return None
    found = tuple(int(part, 0) for part in parts if is_integer(part))
    rising = all(one < other for one, other in itertools.pairwise((0, *found)))
    if not found or len(found) < len(parts) or not rising or len(found) > MOST_PLACES:
        hint = f"as in [2, 5], one after the other, at most {MOST_PLACES}"
        context.faults.add(node.span, "numbers from 1 on expected", hint)
        return None
    return found


def _label(node: Node, context: Context) -> str | None:
    text = plain_text(node, context, "a name")
    if text is None:
        return None
    if not LABEL.fullmatch(text) or len(text) > 40:
        hint = "letters, digits and _, a letter first, at most 40"
        context.faults.add(node.span, f"{text} is no name", hint)
        return None
    if text in _TAKEN:
        context.faults.add(node.span, f"{text} is a name of the RFC's own variables")
        return None
    return text


def _fragment(node: Node, context: Context) -> str | None:
    text = plain_text(node, context, "the name of a fragment")
    if text is None:
        return None
    if not FRAGMENT.fullmatch(text) or ".." in text:
        hint = "the path below fragments/, without .yaml"
        context.faults.add(node.span, f"{text} is no name of a fragment", hint)
        return None
    return text


def read_settings(
    node: Node, context: Context, names: re.Pattern[str] | None = SETTING
) -> dict[str, str] | None:
    """A mapping of settings, options or sysctls if nothing is said, to texts."""
    if not isinstance(node, MappingNode) or not node.entries:
        hint = "as in {timestamps: off}"
        context.faults.add(node.span, "a mapping of settings expected", hint)
        return None
    found: dict[str, str] = {}
    for key, value in node.entries:
        if names is not None and not names.fullmatch(key.text):
            context.faults.add(key.span, f"{key.text} is no name of a setting")
            continue
        text = plain_text(value, context, f"the value of {key.text}")
        if text is not None:
            found[key.text] = text
    return found


def _icmp(node: Node, context: Context) -> IcmpText | None:
    if not isinstance(node, MappingNode):
        hint = "as in {error: port-unreachable, quotes: first}"
        context.faults.add(node.span, "an ICMP error is a mapping", hint)
        return None
    before = len(context.faults)
    known = ("error", "type", "code", "quotes", "mtu", "pointer", "value")
    found: dict[str, Any] = {}
    for key, value in node.entries:
        if context.faults.full:
            break
        if key.text not in known:
            hint = suggest(key.text, known)
            context.faults.add(key.span, f"unknown key {key.text} of an ICMP error", hint)
        elif key.text == "quotes":
            found["quotes"] = _label(value, context)
        elif key.text == "error":
            found["error"] = _icmp_name(value, context)
        else:
            most = 255 if key.text in ("type", "code", "pointer") else 0xFFFFFFFF
            name = key.text if key.text in ("type", "code") else "value"
            if name == "value" and "value" in found:
                context.faults.add(key.span, "only one of mtu, pointer and value can be sent")
            found[name] = bounded(value, context, key.text, 0, most)
    _icmp_whole(node.span, found, context.faults)
    return IcmpText(**found) if len(context.faults) == before else None


def _icmp_name(node: Node, context: Context) -> str | None:
    text = plain_text(node, context, "the name of an ICMP error")
    if text is not None and text not in icmp.BY_NAME:
        context.faults.add(node.span, f"unknown ICMP error {text}", suggest(text, icmp.BY_NAME))
    return text


def _icmp_whole(span: Span, found: Mapping[str, Any], faults: Faults) -> None:
    if "quotes" not in found:
        hint = "quotes: LABEL, the label of a segment that the target sent"
        faults.add(span, "an ICMP error quotes a segment", hint)
    if "error" in found:
        if "type" in found or "code" in found:
            faults.add(span, "error: already says the type and the code")
    elif "type" not in found or "code" not in found:
        faults.add(span, "an ICMP error has a name, or a type and a code", "error: NAME")


def bounded(node: Node, context: Context, what: str, least: int, most: int) -> int | None:
    """A whole number within bounds, decimal or 0x."""
    text = plain_text(node, context, f"a number for {what}")
    if text is None:
        return None
    if not is_integer(text):
        context.faults.add(node.span, f"{what} is a whole number, {least} to {most}")
        return None
    if not least <= int(text, 0) <= most:
        context.faults.add(node.span, f"{what} {text} is out of range", f"{least} to {most}")
        return None
    return int(text, 0)


_SAID: Final = {
    "permits": "what permits this branch",
    "without": "the rule that this branch goes without",
}


def _branches(node: Node, context: Context) -> tuple[Branch, ...] | None:
    if not isinstance(node, Sequence) or len(node.items) < 2:
        hint = "either: is a list of branches, each a list of steps"
        context.faults.add(node.span, "two branches or more expected", hint)
        return None
    before = len(context.faults)
    found = [_branch(item, context) for item in node.items]
    return tuple(found) if len(context.faults) == before else None


def _branch(node: Node, context: Context) -> Branch:
    if not isinstance(node, MappingNode) or not {"steps", *_SAID} & {
        key.text for key, _ in node.entries
    }:
        return Branch(context.steps(node))
    steps: tuple[Step, ...] = ()
    said: dict[str, str] = {}
    for key, value in node.entries:
        if key.text == "steps":
            steps = context.steps(value)
        elif key.text in _SAID:
            said[key.text] = plain_text(value, context, _SAID[key.text]) or ""
        else:
            hint = suggest(key.text, (*_SAID, "steps"))
            context.faults.add(key.span, f"unknown key {key.text} of a branch", hint)
    if node.get("steps") is None:
        context.faults.add(node.span, "this branch has no steps:")
    return Branch(steps, **said)


def _word(what: str, words: tuple[str, ...]) -> Read:
    def read(node: Node, context: Context) -> str | None:
        text = plain_text(node, context, what)
        if text is not None and text not in words:
            context.faults.add(node.span, f"{text} is not {what}")
            return None
        return text

    return read


def no_step(node: Node, faults: Faults) -> None:
    """Say what is wrong with a step that is no mapping."""
    hint = "as in expect: ACK seq=1 ack=1"
    if not isinstance(node, Scalar) or not node.text.strip():
        faults.add(node.span, "a step is a verb and its value", hint)
        return
    word, colon, _ = node.text.partition(":")
    if colon and word in BY_NAME:
        hint = f"a space is missing after {word}:"
    elif (word := node.text.split()[0]) in BY_NAME:
        hint = f"a colon is missing after {word}"
    elif node.text.partition("(")[0] in calls.BY_NAME:
        hint = f"as in call: {node.text}"
    faults.add(node.span, f"a step is a verb and its value, not {node.text}", hint)


def show_settings(settings: Mapping[str, str]) -> str:
    """``{nodelay: on}``."""
    return f"{{{', '.join(f'{name}: {flow_text(value)}' for name, value in settings.items())}}}"


def _show_icmp(text: IcmpText) -> str:
    parts = [f"error: {text.error}"] if text.error else [f"type: {text.type}", f"code: {text.code}"]
    parts.append(f"quotes: {text.quotes}")
    if text.value:
        parts.append(f"value: {text.value}")
    return f"{{{', '.join(parts)}}}"


def _show_branches(branches: tuple[Branch, ...]) -> str:
    shown = (", ".join(_show_step(step) for step in branch.steps) for branch in branches)
    return f"[{', '.join(f'[{steps}]' for steps in shown)}]"


def _show_step(step: Step) -> str:
    verb, _, value = step.text.partition(": ")
    return f"{verb}: {value if value[:1] in ('{', '[') else flow_text(value)}"


def _show_states(states: tuple[State, ...]) -> str:
    return f"[{', '.join(states)}]"


_TEXT: Final = {"type": "string"}
_SETTING: Final = {"type": ["string", "number", "boolean"]}
_SEGMENT: Final = {"$ref": "#/$defs/segment"}
_LABEL: Final = {"type": "string", "pattern": r"^(\$?[A-Za-z_][A-Za-z0-9_]*)$"}
_PLACE: Final = {"type": ["integer", "string"], "minimum": 1}
_STATES: Final = {
    "anyOf": [{"enum": [str(s) for s in State]}, {"type": "string", "pattern": "[$]"}]
}

READERS: Final[Mapping[Arg, Reader]] = {
    Arg.SEGMENT: Reader(_segment, show_segment, _SEGMENT),
    Arg.CALL: Reader(_call, print_call, _TEXT),
    Arg.DURATION: Reader(_notation("a duration such as 1s", parse_duration), print_duration, _TEXT),
    Arg.BOUNDS: Reader(_notation("bounds such as 1s", parse_bounds), print_bounds, _TEXT),
    Arg.RATIO: Reader(_notation("ratios such as 1.7..2.3", parse_ratio), print_ratio, _TEXT),
    Arg.STATE: Reader(_state, str, _STATES),
    Arg.STATES: Reader(_states, _show_states, {"type": "array", "items": _STATES, "minItems": 1}),
    Arg.COUNT: Reader(_count, str, {"type": ["integer", "string"], "minimum": 1}),
    Arg.LABEL: Reader(_label, str, _LABEL),
    Arg.FRAGMENT: Reader(_fragment, str, _TEXT),
    Arg.OPTIONS: Reader(
        read_settings, show_settings, {"type": "object", "additionalProperties": _SETTING}
    ),
    Arg.ICMP: Reader(_icmp, _show_icmp, {"$ref": "#/$defs/icmp"}),
    Arg.BRANCHES: Reader(
        _branches,
        _show_branches,
        {"type": "array", "items": {"$ref": "#/$defs/branch"}, "minItems": 2},
    ),
    Arg.ROUNDS: Reader(_rounds, print_amount, {"type": ["integer", "string"], "minimum": 1}),
    Arg.STEPS: Reader(
        lambda node, context: context.steps(node),
        lambda steps: f"[{', '.join(_show_step(step) for step in steps)}]",
        {"type": "array", "items": {"$ref": "#/$defs/step"}, "minItems": 1},
    ),
    Arg.ACKS: Reader(
        _word("each, second, last or none", ACKS),
        str,
        {"anyOf": [{"enum": list(ACKS)}, {"type": "string", "pattern": "[$]"}]},
    ),
    Arg.PLACES: Reader(
        _places,
        lambda places: f"[{', '.join(map(str, places))}]",
        {"anyOf": [_PLACE, {"type": "array", "items": _PLACE, "minItems": 1}]},
    ),
    Arg.REQUIREMENTS: Reader(
        lambda node, context: context.requirements(node),
        lambda ids: f"[{', '.join(ids)}]",
        {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True},
    ),
    Arg.ANY: Reader(_word("any", ("any",)), str, {"enum": ["any"]}),
    Arg.REST: Reader(_word("rest", ("rest",)), str, {"enum": ["rest"]}),
    Arg.FIN: Reader(_word("FIN", ("FIN",)), str, {"enum": ["FIN"]}),
    Arg.INFO: Reader(told.read_info, told.show_told, told.INFO_SCHEMA),
    Arg.COUNTERS: Reader(told.read_counters, told.show_told, told.COUNTERS_SCHEMA),
    Arg.SIDE: Reader(_word("tester", ("tester",)), str, {"enum": ["tester"]}),
    Arg.END: Reader(_word("target or tester", ENDS), str, {"enum": [*ENDS]}),
    Arg.NET: Reader(net.read_net, net.show_net, net.schema()),
}
assert set(READERS) == set(Arg)
assert LARGEST >= MOST_OCTETS
