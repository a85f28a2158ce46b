"""A new verb, as ``conformance.case.verbs`` says that it is made: done on a scratch copy.

Two files and two lines, and everything that is not the verb's own affair works: it is checked,
formatted, drawn, played, recorded and judged again, its label is quoted, it begins a branch, the
mutants of its answers are found, and the schema knows it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scratch import Scratch

ROW = '''"""``acknowledges: SEGMENT``"""

from __future__ import annotations

from conformance.case.verbs.expect import Expect


@dataclass(frozen=True, slots=True)
class Acknowledges(Expect):
    """The target sends an acknowledgment."""

    verb = "acknowledges"
    doc = "the target acknowledges with this"
'''
RUNNER = '''"""``acknowledges: SEGMENT``"""

from __future__ import annotations

from conformance.case.verbs.acknowledges import Acknowledges
from conformance.play.conversation import Conversation, Flow
from conformance.steps.expect import matching


def run(play: Conversation, step: Acknowledges) -> Flow:
    arrival = yield from matching(play, step)
    play.consume(arrival, step)
'''
CASE = """\
title: Text is acknowledged
given: established

steps:
  - send:    ACK seq=1 ack=1 len=10
  - acknowledges: ACK seq=1 ack=11
    within:  900ms
    as:      first
  - send:    ACK seq=first.ack ack=1 len=10
  - either:
      - - acknowledges: ACK seq=1 ack=21
      - - silence: 1s
  - state:   ESTABLISHED
"""
ALIVE = """
from conformance.commands.choice import chosen
from conformance.sim.mutants import Spoiler, mutants, survivors
from conformance.targets.base import Job
from conformance.targets.kinds.reference import ISNS, Reference

target, counted = Reference(ISNS["wrapping"]), Spoiler()
job = Job(chosen(["cases/trial.yaml"])[0].case)
record = target.play(job, counted)
print(len(list(mutants(record, counted))))
print(*survivors(record, counted, lambda spoiler: target.play(job, spoiler)))
"""


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    made = Scratch(tmp_path)
    made.write("conformance/case/verbs/acknowledges.py", ROW)
    made.write("conformance/steps/acknowledges.py", RUNNER)
    made.line(
        "conformance/case/verbs/__init__.py",
        "VERBS: Final[tuple[type[Step], ...]] = (\n",
        "    Acknowledges,\n",
        "from conformance.case.verbs.acknowledges import Acknowledges",
    )
    made.line(
        "conformance/steps/__init__.py",
        "RUNNERS: Final[dict[type[Step], Runner]] = {\n",
        "    Acknowledges: acknowledges.run,\n",
        "from conformance.case.verbs.acknowledges import Acknowledges\n"
        "from conformance.steps import acknowledges",
    )
    made.write("cases/trial.yaml", CASE)
    return made


def test_a_verb_is_two_files_and_two_lines(scratch: Scratch) -> None:
    assert scratch.conformance("check", "cases/trial.yaml").returncode == 0
    assert "Text is acknowledged" in scratch.conformance("list", "cases/trial.yaml").stdout
    shown = scratch.conformance("show", "cases/trial.yaml")
    assert "<-- ACK seq=1 ack=11" in shown.stdout
    assert "as first" in shown.stdout
    ran = scratch.conformance(
        "run", "--target", "reference", "--record", "r.jsonl", "cases/trial.yaml"
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert scratch.conformance("replay", "r.jsonl").returncode == 0


def test_no_file_is_spelt_in_another_way_because_of_it(scratch: Scratch) -> None:
    assert scratch.conformance("fmt", "--check", "cases").returncode == 0


def test_the_schema_knows_it_and_the_committed_one_is_found_to_be_old(scratch: Scratch) -> None:
    schema = scratch.conformance("schema").stdout
    titles = [one["title"] for one in json.loads(schema)["$defs"]["step"]["anyOf"]]
    assert "acknowledges" in titles
    assert schema != (scratch.root / "cases/case.schema.json").read_text(encoding="utf-8")
    assert schema != ""


def test_every_mutant_of_its_answers_is_found(scratch: Scratch) -> None:
    run = scratch.python("-c", ALIVE)
    count, alive = run.stdout.splitlines()
    assert int(count) > 20, run.stderr
    assert alive == ""


def test_what_it_expects_may_fail(scratch: Scratch) -> None:
    wrong = CASE.replace("ack=11", "ack=12")
    scratch.write("cases/trial.yaml", wrong)
    ran = scratch.conformance("run", "--target", "reference", "cases/trial.yaml")
    assert ran.returncode == 1
    assert "another segment came" in ran.stdout
