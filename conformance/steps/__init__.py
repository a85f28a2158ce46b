"""What the verbs do: one file a verb, one tuple that lists them.

A step is a generator over a :class:`~conformance.play.conversation.Conversation`; it ends when
the step has passed and raises ``Stopped`` when it has not. What a verb may be written with stands
in ``conformance.case.verbs``.
"""

from __future__ import annotations

from typing import Final

from conformance.case.step import Step
from conformance.case.verbs.allow import Allow
from conformance.case.verbs.call import Call, Join, Spawn
from conformance.case.verbs.collect import Collect
from conformance.case.verbs.counters import Counters
from conformance.case.verbs.drop import Drop
from conformance.case.verbs.either import Either
from conformance.case.verbs.expect import Expect
from conformance.case.verbs.free import Free
from conformance.case.verbs.icmp import Icmp
from conformance.case.verbs.info import Info
from conformance.case.verbs.net import Net
from conformance.case.verbs.repeat import Repeat
from conformance.case.verbs.send import Send
from conformance.case.verbs.setting import Set
from conformance.case.verbs.silence import Silence
from conformance.case.verbs.state import InState
from conformance.case.verbs.wait import Wait
from conformance.play.conversation import Runner
from conformance.steps import (
    allow,
    call,
    collect,
    counters,
    drop,
    either,
    expect,
    free,
    icmp,
    info,
    net,
    repeat,
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
    Info: info.run,
    Counters: counters.run,
    Wait: wait.run,
    Set: setting.run,
    Icmp: icmp.run,
    Net: net.run,
    Either: either.run,
    Repeat: repeat.run,
    Collect: collect.run,
    Free: free.run,
}
"""``Include`` has no runner: the decoder puts a fragment's steps in its place."""
