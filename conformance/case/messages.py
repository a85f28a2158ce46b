"""The control messages of ``recvmsg``, by the names that a case has for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from conformance.notation.call import Count, Message, Received
from conformance.notation.scanner import suggest

# What each is, and what its number says; None for one that has none.
MESSAGES: Final[Mapping[str, tuple[str, str | None]]] = {
    "inq": ("how much waits to be read after this", "octets"),
    "stamped": ("when what is read came", None),
    "scheduled": ("when an octet was given to the queue of the device", "its offset"),
    "sent": ("when an octet was given to the device", "its offset"),
    "acked": ("when an octet was acknowledged", "its offset"),
    "completed": ("a send with ZEROCOPY needs its memory no more", "its number, from 0"),
    "statistics": ("TCP's own numbers, with the stamp of an octet", None),
    "copied": ("its text had been copied all the same", None),
}
# What sendmsg may ask to be told of the last octet that it writes.
STAMPS: Final = ("SCHEDULED", "SENT", "ACKED")


def problems(result: Received) -> list[tuple[str, str, str]]:
    """What is wrong with what a call is said to receive, as calls.problems() tells it."""
    found = []
    for message in result.messages:
        if message.name not in MESSAGES:
            hint = suggest(message.name, MESSAGES)
            found.append((message.name, f"unknown control message {message.name}", hint))
        elif message.number is not None and MESSAGES[message.name][1] is None:
            found.append((message.name, f"{message.name} has no number", ""))
    return found


def told(text: str) -> tuple[Message, ...]:
    """The messages that an agent told of, ``inq=50 stamped``, as a case would write them."""
    words = (word.partition("=") for word in text.split())
    return tuple(Message(name, Count(int(value)) if value else None) for name, _, value in words)


def hold(wanted: Received, came: Iterable[Message]) -> bool:
    """Whether each that is wanted came, and no other unless the case allows it."""
    left = list(came)
    for message in wanted.messages:
        match = next((one for one in left if _alike(message, one)), None)
        if match is None:
            return False
        left.remove(match)
    return wanted.more or not left


def _alike(wanted: Message, came: Message) -> bool:
    if wanted.name != came.name:
        return False
    if wanted.number is None or came.number is None:
        return wanted.number is None
    low, high = wanted.number.low, wanted.number.high
    return low <= came.number.low <= (low if high is None else high)
