"""Played in a network namespace of its own: a stack behind an interface of "this machine".

Lays a veth pair, puts the stack's program on one end and the harness on the other, and prints, a
JSON line each, what came of the cases. Arguments: ``agent`` or ``none``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2]))

from pyroute2 import IPRoute
from runtime import ABLE, CALL, MARK, PROCESS, REAL, cases, liar

from conformance.errors import CaseError
from conformance.play.profile import Ability
from conformance.play.record import Record
from conformance.targets.base import Job
from conformance.targets.files.model import Control, TargetFile, WireKind
from conformance.targets.kinds.glue import open_file

HERE = Path(__file__).parent
ADDRESSES = "rfc9293/3.9.2.3-addresses"
OURS, THEIRS, ADDRESS = "outside0", "stack0", "02:00:00:00:00:02"


def lay() -> None:
    Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
    with IPRoute() as route:
        route.link("add", ifname=OURS, kind="veth", peer={"ifname": THEIRS})
        for name in (THEIRS, OURS):
            (index,) = route.link_lookup(ifname=name)
            if name == THEIRS:
                route.link("set", index=index, address=ADDRESS)
            route.link("set", index=index, state="up")
        (index,) = route.link_lookup(ifname=OURS)
        route.poll(route.link, "dump", index=index, operstate="UP", timeout=10)
        (index,) = route.link_lookup(ifname=THEIRS)
        route.poll(route.link, "dump", index=index, operstate="UP", timeout=10)


def tell(*what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")


def play(file: TargetFile, ids: list[str]) -> None:
    chosen = [case for case in cases("smoke", "fragments", ADDRESSES) if case.id in ids]
    with open_file(file) as target:

        def done(job: Job, record: Record) -> None:
            assert record.verdict is not None
            verdict = record.verdict
            tell(job.case.id, job.ip, verdict.outcome, verdict.reason)

        target.run([Job(case, ip) for case in chosen for ip in (4, 6)], done)


def refused(file: TargetFile) -> None:
    try:
        open_file(file).close()
    except CaseError as error:
        tell("refused", str(error))


def main() -> None:
    lay()
    none = sys.argv[1] == "none"
    file = liar(clock=REAL, wire=WireKind.INTERFACE, reset=CALL, program="by_interface.py")
    environment = {"CONFORMANCE_INTERFACE": THEIRS, MARK: "outside"}
    file = replace(file, interface=OURS, environment=environment)
    refused(file)
    file = replace(file, own_network=True)
    refused(replace(file, interface="nowhere0"))
    if not none:
        play(file, ["smoke/handshake", "smoke/handshake-and-close", "fragments/established-active"])
        play(file, [f"{ADDRESSES}/syn-to-many[to=multicast]"])
        return
    file = replace(file, command=(), control=Control.NONE, reset=PROCESS)
    file = replace(file, abilities=ABLE & {Ability.IPV6})
    words = [sys.executable, str(HERE / "servers.py")]
    with subprocess.Popen(words, env=os.environ | environment, stdin=subprocess.PIPE):
        play(file, ["smoke/handshake", "fragments/ten-segments"])


if __name__ == "__main__":
    main()
