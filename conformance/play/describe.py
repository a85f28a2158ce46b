"""A segment that was on the wire as a case would write it: what a report prints can be pasted."""

from __future__ import annotations

from collections.abc import Callable

from conformance.notation.expr import Value, exactly
from conformance.notation.options import OptionsText, OptionText
from conformance.notation.segment import SegmentText
from conformance.play import ip
from conformance.play.view import Numbers
from conformance.tcp import options as tcp
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment


def options_text(options: tuple[tcp.Option, ...], relative: Callable[[int], int]) -> OptionsText:
    """Options as a case writes them; ``relative`` turns a SACK edge into a relative number."""
    return OptionsText(tuple(_option_text(option, relative) for option in options))


def _option_text(option: tcp.Option, relative: Callable[[int], int]) -> OptionText:
    family = tcp.family(option)
    if family.text is None:  # no case can write it: what a reader can make of it
        return OptionText("kind", (exactly(option.kind),), option.encode()[1:])
    values = (
        relative(found) if number.sequence else found
        for found, number in family.along(family.numbers(option))
    )
    return OptionText(family.name, tuple(map(exactly, values)), family.octets(option))


def describe(
    segment: Segment, numbers: Numbers, *, from_target: bool, window: bool = False
) -> SegmentText:
    """The segment as a case would write it: what a report prints, a case can paste."""
    seq, ack = (numbers.from_target if from_target else numbers.from_tester)(segment)
    fields: dict[str, Value] = {"seq": exactly(seq)}
    # Without ACK the field means nothing; what a case has the tester write there is shown.
    if Flags.ACK in segment.flags or (segment.ack and not from_target):
        fields["ack"] = exactly(ack)
    if window:
        fields["win"] = exactly(segment.window)
    if segment.payload:
        fields["len"] = exactly(len(segment.payload))
    if Flags.URG in segment.flags:
        fields["urg"] = exactly(segment.urgent)
    shown = tuple(one for one in segment.options if not tcp.family(one).padding)
    relative = numbers.of_tester if from_target else numbers.of_target
    options = options_text(shown, relative) if shown else None
    mark = ip.described(segment.ip)
    return SegmentText(segment.flags, False, fields, None, options, ip=mark)
