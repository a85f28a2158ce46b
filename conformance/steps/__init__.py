"""What the verbs do: one file a verb, one tuple that lists them.

A step is a generator over a :class:`~conformance.play.conversation.Conversation`; it ends when
the step has passed and raises ``Stopped`` when it has not. What a verb may be written with stands
in ``conformance.case.verbs``.
"""

from __future__ import annotations

from typing import Final

from conformance.case.step import Step
from conformance.case.verbs import (
    Allow,
    Call,
    Collect,
    Drop,
    Either,
    Expect,
    Icmp,
    InState,
    Join,
    Send,
    Set,
    Silence,
    Spawn,
    Wait,
)
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

RUNNERS: Final[dict[type[Step], Runner]] = {
    Send: send.run,
    Expect: expect.run,
    Allow: allow.run,
    Drop: drop.run,
    Silence: silence.run,
    Call: call.run,
    Spawn: call.spawn,
    Join: call.join,
    InState: state.run,
    Wait: wait.run,
    Set: setting.run,
    Icmp: icmp.run,
    Either: either.run,
    Collect: collect.run,
}
"""``Include`` has no runner: the decoder puts a fragment's steps in its place."""
