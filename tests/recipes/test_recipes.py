"""The recipes of ``conformance/README.md`` that are a row or two, each done on a scratch copy."""

from __future__ import annotations

from pathlib import Path

import pytest
from scratch import Scratch

CASE = """\
title: {title}
{head}given: established

steps:
{steps}
"""
REQUIREMENT = """{"id": "rfc9293/T-trial", "level": "text", "section": "1", "text": "A trial."}"""


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path)


def played(scratch: Scratch, steps: str, head: str = "", *words: str) -> tuple[int, str]:
    lines = "\n".join(f"  - {line}" for line in steps.splitlines())
    scratch.write("cases/trial.yaml", CASE.format(title="A trial", head=head, steps=lines))
    ran = scratch.conformance("run", "--target", "reference", *words, "cases/trial.yaml")
    return ran.returncode, ran.stdout + ran.stderr


def test_a_call_is_a_row_and_what_each_side_does(scratch: Scratch) -> None:
    steps = "call: send(c, 10)\nexpect: PSH,ACK seq=1 len=10\ncall: outstanding(c) = 10"
    assert played(scratch, steps)[0] == 2  # nobody knows it
    scratch.after(
        "conformance/case/calls.py",
        "CALLS: Final = (\n",
        '    CallSignature("outstanding", "octets sent, not acknowledged", (_SOCKET,)),\n',
    )
    scratch.after(
        "conformance/reference/calls.py",
        "CALLS: Final[dict[str, Call]] = {\n",
        '    "outstanding": _outstanding,\n',
    )
    scratch.before(
        "conformance/reference/calls.py",
        "CALLS: Final[dict[str, Call]] = {\n",
        "def _outstanding(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:\n"
        "    sock = api.find(args)\n"
        "    assert sock.tcb is not None\n"
        "    return sock, Result((sock.tcb.snd_nxt - sock.tcb.snd_una) % 2**32)\n\n\n",
    )
    scratch.before(
        "conformance/agent/agent.py",
        "    def call_sysctl(",
        "    def call_outstanding(self, call: CallUnderWay, args: Fields) -> int:\n"
        "        return self.ask(args, 0x5411)\n\n",
    )
    assert played(scratch, steps)[0] == 0
    assert played(scratch, steps.replace("= 10", "= 11"))[0] == 1
    agent = "from conformance.agent.agent import Agent; print(hasattr(Agent, 'call_outstanding'))"
    assert scratch.python("-c", agent).stdout == "True\n"


def test_a_watch_rule_is_a_row(scratch: Scratch) -> None:
    steps = "call: send(c, 10)\nexpect: PSH,ACK seq=1 len=10"
    unwatched = "unwatched: [trial]\n"
    assert played(scratch, steps)[0] == 0
    assert played(scratch, steps, unwatched)[0] == 2  # there is no such rule
    scratch.before(
        "conformance/play/watch.py",
        "RULES: Final = (\n",
        "def _trial(watcher: Watcher, seen: Seen) -> str:\n"
        '    return "it has text" if seen.segment.payload else ""\n\n\n',
    )
    scratch.after(
        "conformance/play/watch.py",
        "RULES: Final = (\n",
        '    Rule("trial", "rfc9293/MUST-2", "no text at all", _trial),\n',
    )
    status, said = played(scratch, steps)
    assert status == 1
    assert "no TCP may send this: it has text" in said
    assert played(scratch, steps, unwatched)[0] == 0


def test_a_requirement_is_a_line(scratch: Scratch) -> None:
    head = "verifies: [rfc9293/T-trial]\n"
    steps = "send: ACK seq=1 ack=1 len=10\nexpect: ACK seq=1 ack=11"
    status, said = played(scratch, steps, head)
    assert status == 2
    assert "rfc9293/T-trial" in said
    scratch.after("conformance/requirements/rfc9293.json", "[\n", f"{REQUIREMENT},\n")
    assert played(scratch, steps, head)[0] == 0
    listed = scratch.conformance("list", "--requirement", "rfc9293/T-trial", "cases")
    assert [line.partition("::")[0] for line in listed.stdout.splitlines()][:1] == ["trial"]


def test_a_report_is_a_class_and_a_row(scratch: Scratch) -> None:
    scratch.write(
        "conformance/report/ids.py",
        "from conformance.play.record import Record\n\n\n"
        "class Ids:\n"
        "    def __init__(self) -> None:\n"
        "        self._ids: list[str] = []\n\n"
        "    def add(self, record: Record) -> None:\n"
        "        self._ids.append(record.id)\n\n"
        "    def broke(self, why: str) -> None:\n"
        "        self._ids.append(why)\n\n"
        "    def text(self) -> str:\n"
        '        return "".join(f"{id}\\n" for id in self._ids)\n',
    )
    scratch.before(
        "conformance/commands/reports.py",
        "REPORTS: Final = (\n",
        "def _ids() -> Report:\n"
        "    from conformance.report.ids import Ids\n\n"
        "    return Ids()\n\n\n",
    )
    scratch.after(
        "conformance/commands/reports.py",
        "REPORTS: Final = (\n",
        '    ReportKind("ids", "write the ids of what was played", _ids),\n',
    )
    steps = "send: ACK seq=1 ack=1 len=10\nexpect: ACK seq=1 ack=11"
    assert played(scratch, steps, "", "--ids", "out.txt")[0] == 0
    ids = (scratch.root / "out.txt").read_text(encoding="utf-8").splitlines()
    assert ids == ["trial::reference-ipv4", "trial::reference-ipv6"]
    assert played(scratch, steps, "", "--target", "none", "--ids", "out.txt")[0] == 2
    assert "did not end" in (scratch.root / "out.txt").read_text(encoding="utf-8")
    assert "--ids" in scratch.conformance("run", "--help").stdout


def test_a_target_is_a_file_and_a_program(scratch: Scratch) -> None:
    made = scratch.conformance("target", "new", "mine", "--lang", "python")
    assert made.returncode == 0, made.stderr
    checked = scratch.conformance("target", "check", "mine/mine.yaml")
    assert "ok   it starts and speaks the protocol: mine" in checked.stdout
    assert (
        "FAIL listen, a handshake, accept: listen returns ENOSYS" in checked.stdout
    )  # yours to write
    listed = scratch.conformance("list", "--target", "mine/mine.yaml", "cases/smoke/handshake.yaml")
    assert listed.stdout.startswith("smoke/handshake::mine-ipv4")
