"""What cannot be asked of a connection with the third host.

Its state is sampled as that of any other. Its path is not told: what a kernel traces names hosts,
and runs on one machine are told apart by the tester's address, while all have the same third host.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.case.step import Step
from conformance.case.verbs.call import OfCall
from conformance.case.verbs.state import InState
from conformance.tcp.addresses import OTHER

_PATH = "via: nobody tells by which states a connection with the third host went"
_HINT = "ask for each state where it has to be: - state: FIN-WAIT-1"


def flaws(steps: Sequence[Step]) -> Iterator[tuple[Step, str, str, str]]:
    """Each step that is wrong, with the word, the message and a hint; the steps in their order."""
    if not any(isinstance(step, InState) and step.via for step in steps):
        return
    hosts: dict[str, str] = {}  # by connection, that of its first segment
    for step in steps:
        if isinstance(step, OfCall) and step.address == OTHER:
            hosts.setdefault(step.conn, OTHER)
        for segment in step.patterns:
            host = segment.ip.sender if step.by_tester else segment.ip.receiver
            hosts.setdefault(step.conn, host)
        if isinstance(step, InState) and step.via and hosts.get(step.conn) == OTHER:
            yield step, "via", _PATH, _HINT
