"""What a glue program's replies come to: who greets, what it lacks, which state it tells.

A reply that is against the protocol ends the program's part with one sentence, as in :mod:`.glue`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.case.call_words import NEW_FLAGS
from conformance.live.glue.channel import GlueChannel, Reply
from conformance.live.glue.last_words import printable
from conformance.play.profile import Ability
from conformance.tcp.states import State

PROTOCOL: Final = 1


def greet(glue: GlueChannel, reply: Reply, claimed: frozenset[Ability]) -> None:
    """Hold the answer to ``version`` to the protocol and to what the target file claims."""
    if reply.errno:
        glue.fail(f"it refuses version: {reply.errno}")
    if reply.value != PROTOCOL:
        glue.fail(f"it speaks version {reply.value} of the protocol, not {PROTOCOL}")
    glue.told = printable(reply.text)
    if reply.abilities is not None:
        missing = sorted(claimed - _HARNESS - set(reply.abilities))
        if missing:
            glue.fail(f"it lacks {', '.join(missing)}, which its target file claims")


# The target file says these by itself: they are no matter of the program's.
_HARNESS: Final = frozenset(
    {
        Ability.VIRTUAL_TIME,
        Ability.OPTIONS,
        Ability.PATH,
        Ability.OWN_LINK,
        Ability.THIRD_HOST,
    }
)


def read_state(glue: GlueChannel, reply: Reply) -> State:
    """The state that a reply names."""
    if reply.errno:
        glue.fail(f"it was to tell a state and answers {reply.errno}")
    try:
        return State(reply.text)
    except ValueError:
        glue.fail(f"it tells a state that there is none of: {reply.text[:40]!r}")


def hold_to_clock(glue: GlueChannel, reply: Reply, before: int, until: int) -> int:
    """The virtual clock after an ``advance``: never back, and no further than it was told."""
    if reply.errno:
        glue.fail(f"it refuses advance: {reply.errno}")
    if not before <= reply.now <= max(until, before):
        glue.fail(f"its clock went from {before} to {reply.now} when told {until}")
    return reply.now


STUCK: Final = "its clock does not get on"


def setting_refused(reply: Reply) -> str:
    """Why a setting could not be changed; empty when it was."""
    reasons = {"ENOPROTOOPT": "it has no such setting", "EINVAL": "it takes no such value"}
    return reasons.get(reply.errno, reply.errno)


def lacking(glue: GlueChannel, reply: Reply, call: str, args: Mapping[str, int | str]) -> str:
    """What the stack has not got, by its answer to a call; empty when it has.

    A call that its abilities stand for must be there, but for flags that a stack need not have.
    """
    new = sorted(set(str(args.get("flag", "")).split("|")) & set(NEW_FLAGS))
    if reply.errno == "ENOSYS" and call in _MUST and not new:
        glue.fail(f"it claims {_MUST[call]} and has no call {call}")
    if reply.errno == "ENOSYS":
        return f"has no flag {new[0]} of {call}" if new else f"has no call {call}"
    waits = reply.pending and "DONTWAIT" in new  # it never may: the stack overlooked the flag
    if new and (waits or reply.errno in ("EINVAL", "EOPNOTSUPP")):
        return f"has no flag {new[0]} of {call}"
    if reply.errno == "ENOPROTOOPT" and call in ("setsockopt", "getsockopt"):
        return f"has no socket option {args.get('name')}"
    return ""


_MUST: Final = {
    **dict.fromkeys(("listen", "accept", "send", "recv", "close"), Ability.CALLS),
    "connect": Ability.ACTIVE_OPEN,
    "info": Ability.INFO,
}
