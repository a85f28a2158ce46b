"""The language as a table: every verb, one class in a file of its own, and the tuple of them.

A new verb is a file here and its line in the tuple, and a file in ``conformance.steps`` with its
line there; then ``conformance schema`` and a row in ``cases/README.md``. A test does just that.
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
from conformance.case.verbs.include import Include
from conformance.case.verbs.info import Info
from conformance.case.verbs.net import Net
from conformance.case.verbs.repeat import Repeat
from conformance.case.verbs.send import Send
from conformance.case.verbs.setting import Set
from conformance.case.verbs.silence import Silence
from conformance.case.verbs.state import InState
from conformance.case.verbs.wait import Wait

VERBS: Final[tuple[type[Step], ...]] = (
    Send,
    Expect,
    Allow,
    Drop,
    Silence,
    Call,
    Spawn,
    Join,
    InState,
    Info,
    Counters,
    Wait,
    Set,
    Icmp,
    Net,
    Either,
    Repeat,
    Collect,
    Free,
    Include,
)
BY_NAME: Final = {verb.verb: verb for verb in VERBS}
