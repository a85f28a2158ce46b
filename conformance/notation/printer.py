"""The one printer: what it writes, the parsers of this package read back as the same value."""

from __future__ import annotations

import json

from conformance.notation.call import (
    Argument,
    CallText,
    Count,
    Errno,
    Message,
    Placeholder,
    Received,
    Result,
    Word,
)
from conformance.notation.expr import Any, Choice, Expr, Name, Number, Param, Value
from conformance.notation.options import Bad, OptionsText, OptionText
from conformance.notation.segment import FIELDS, SegmentText
from conformance.notation.time import AT_ONCE, ONCE, Bounds, Duration, Ratio
from conformance.tcp import options as tcp
from conformance.tcp.flags import NONE, Flags, names


def print_flags(flags: Flags, exact: bool = False, maybe: Flags = NONE) -> str:
    """``FIN,ACK``, ``SYN,ACK,ECE?``; ``none`` for no bit."""
    shown = [f"{name}?" if Flags[name] in maybe else name for name in names(flags | maybe)]
    return ("=" if exact else "") + (",".join(shown) or "none")


def print_ways(segment: SegmentText) -> str:
    """The flags, and those that do as well: ``ACK|RST,ACK``."""
    return "|".join(print_flags(one.flags, one.exact, one.maybe) for one in segment.ways)


def print_expr(expr: Expr) -> str:
    """``SND.NXT+1``: the terms as written, without spaces."""
    parts: list[str] = []
    for i, (sign, term) in enumerate(expr.terms):
        parts.append("-" if sign < 0 else "+" if i else "")
        match term:
            case Number(value):
                parts.append(str(value))
            case Param(name):
                parts.append(f"${name}")
            case _:
                parts.append(term.name)
    return "".join(parts)


def print_value(value: Value) -> str:
    """``*``, ``1``, ``1..10`` or ``1|5..10``."""
    if isinstance(value, Any):
        return "*"
    if isinstance(value, Choice):
        return "|".join(map(print_value, value.members))
    low = print_expr(value.low)
    return low if value.high is None else f"{low}..{print_expr(value.high)}"


def print_data(data: bytes) -> str:
    """Text in quotes where the octets are printable ASCII, else 0x and digits."""
    if all(0x20 <= octet < 0x7F for octet in data):
        return json.dumps(data.decode())
    return "0x" + data.hex()


def print_option(option: OptionText) -> str:
    """One option of the list."""
    text = option.family.text or tcp.Text()
    values = [print_value(value) for value in option.values]
    size, mark = len(text.numbers) or 1, text.mark or " "
    parts = [mark.join(values[at : at + size]) for at in range(0, len(values), size)]
    match option.body:
        case bytes(octets) if octets:
            parts.append(f"0x{octets.hex()}")
        case Any():
            parts.append("*")
        case Bad():
            parts.append("bad")
        case Name(name):
            parts.append(name)
        case Param(name):
            parts.append(f"${name}")
    return " ".join([option.name, *parts]) + ("?" if option.optional else "")


def print_options(options: OptionsText) -> str:
    """``<mss 1460, wscale *, ...>``."""
    parts = [print_option(option) for option in options.options]
    return f"<{', '.join([*parts, *(['...'] if options.more else [])])}>"


def print_segment(segment: SegmentText) -> str:
    """The line form; raises ValueError for a segment that only the mapping form can write."""
    if segment.long_form:
        raise ValueError("this segment has no line form")
    parts = [print_ways(segment)]
    parts += [
        f"{name}={print_value(segment.fields[name])}" for name in FIELDS if name in segment.fields
    ]
    if segment.data is not None:
        parts.append(f"data={print_data(segment.data)}")
    if segment.ip.ecn is not None:
        parts.append(f"ecn={segment.ip.ecn}")
    if segment.options is not None:
        parts.append(print_options(segment.options))
    return " ".join(parts)


def print_duration(duration: Duration) -> str:
    """``2MSL+5s``."""
    return "+".join(f"{_plain(count)}{unit}" for count, unit in duration.terms)


def print_bounds(bounds: Bounds) -> str:
    """``1s``, ``200ms..3s`` or ``at once``."""
    if bounds == AT_ONCE:
        return ONCE
    high = print_duration(bounds.high)
    return high if bounds.low is None else f"{print_duration(bounds.low)}..{high}"


def print_ratio(ratio: Ratio) -> str:
    """``1.7..2.3``."""
    return f"{_plain(ratio.low)}..{_plain(ratio.high)}"


def _plain(number: float) -> str:
    text = f"{number:.9f}".rstrip("0").rstrip(".")
    return text or "0"


def print_call(call: CallText) -> str:
    """``accept(l) = c``."""
    args = ", ".join(
        (f"{keyword}=" if keyword else "") + _argument(value) for keyword, value in call.args
    )
    result = "" if call.result is None else f" = {print_result(call.result)}"
    return f"{call.name}({args}){result}"


def print_result(result: Result) -> str:
    """``c``, ``10``, ``1..10`` or ``ECONNRESET``."""
    match result:
        case Errno(name):
            return name
        case Count(low, None):
            return str(low)
        case Count(low, high):
            return f"{low}..{high}"
        case Received(count, messages, more):
            parts = [print_message(one) for one in messages] + ["..."] * more
            return f"{print_result(count)} <{', '.join(parts)}>"
        case _:
            return _argument(result)


def print_message(message: Message) -> str:
    """``inq 50``, ``stamped``."""
    number = "" if message.number is None else f" {print_result(message.number)}"
    return message.name + number


def _argument(value: Argument) -> str:
    match value:
        case Word(text):
            return text
        case Placeholder(name):
            return f"${name}"
        case int():
            return str(value)
        case str():
            return json.dumps(value)
