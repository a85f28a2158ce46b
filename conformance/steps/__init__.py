"""What the verbs do: one file a verb, one tuple that lists them.

A step is a generator over a :class:`~conformance.play.conversation.Conversation`; it ends when
the step has passed and raises ``Stopped`` when it has not. What a verb may be written with stands
in ``conformance.case.verbs``.
"""

from __future__ import annotations

from typing import Final

from conformance.play.conversation import Runner
from conformance.steps import (
    allow,
    call,
    collect,
    drop,
    either,
    expect,
    icmp,
    send,
    setting,
    silence,
    state,
    wait,
)

RUNNERS: Final[dict[str, Runner]] = {
    "send": send.run,
    "expect": expect.run,
    "allow": allow.run,
    "drop": drop.run,
    "silence": silence.run,
    "call": call.run,
    "spawn": call.spawn,
    "join": call.join,
    "state": state.run,
    "wait": wait.run,
    "set": setting.run,
    "icmp": icmp.run,
    "either": either.run,
    "collect": collect.run,
}
"""``include`` has no runner: the loader puts a fragment's steps in its place."""
