"""Hostile glue programs by the hundred: each is ended in time, has an owner, and leaves nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from attacks import Attack, attacks
from runtime import ABLE, HERE, cases, left, liar, none_left

from conformance.errors import TargetError
from conformance.live.glue.program import Supervisor
from conformance.play.profile import Ability
from conformance.play.verdict import Outcome
from conformance.targets.base import Job
from conformance.targets.files.model import ClockKind, TargetFile
from conformance.targets.kinds.glue import open_file

SAYS = "The glue program of liar: "
# What a program that breaks the protocol cannot come to; without that it is the target's failure.
FAILED = {Outcome.FAIL, Outcome.BLOCKED, Outcome.ERROR, Outcome.INCONCLUSIVE}
SHORT = 0.5  # seconds, in place of the harness's patience
ALL = attacks(seed=1)
SHARES, AT_ONCE = 2, 6


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever hangs is not waited for as long as in earnest; the bounds are the same ones."""
    for module in ("channel", "lab"):
        monkeypatch.setattr(f"conformance.live.glue.{module}.PATIENCE", SHORT)
    monkeypatch.setattr("conformance.live.glue.lab.FIRST_WORD", 2 * SHORT)
    monkeypatch.setattr("conformance.targets.kinds.glue.FIRST_WORD", 2 * SHORT)
    monkeypatch.setattr("conformance.live.glue.channel.GlueChannel.answer.__defaults__", (SHORT,))
    monkeypatch.setattr("conformance.live.glue.program._HELD", SHORT / 5)


def target(attack: Attack) -> TargetFile:
    return replace(
        liar(
            json.dumps(attack.how),
            clock=ClockKind(attack.clock),
            program="attacker.py",
            abilities=ABLE - {Ability.INFO},
        ),
        command=(sys.executable, "-I", "-S", str(HERE / "attacker.py"), json.dumps(attack.how)),
    )


def played(file: TargetFile) -> tuple[Outcome, str]:
    """How the handshake ends; a program that no case can begin with is an error."""
    (case,) = (one for one in cases("smoke") if one.id == "smoke/handshake")
    ends: list[tuple[Outcome, str]] = []
    try:
        with open_file(file) as opened:

            def done(_: Job, record: object) -> None:
                verdict = record.verdict  # type: ignore[attr-defined]
                ends.append((verdict.outcome, verdict.reason))

            opened.run([Job(case)], done)
    except TargetError as error:
        return Outcome.ERROR, str(error)
    (end,) = ends
    return end


@pytest.mark.parametrize("clock", ["virtual", "real"])
def test_without_an_attack_the_case_passes(clock: str) -> None:
    """Or nothing would follow from what the others come to."""
    file = target(Attack("none", clock, {}))
    outcome, why = played(file)
    assert outcome in (Outcome.PASS, Outcome.INCONCLUSIVE), why
    assert left(file) == []


def test_there_are_enough_of_them() -> None:
    assert len(ALL) >= 250
    assert len({(one.name, one.clock) for one in ALL}) == len(ALL)
    assert [one.name for one in ALL] == [one.name for one in attacks(seed=1)]


class Kept(Supervisor):
    """One for many targets, which each let go of it."""

    def close(self) -> None:
        pass


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    supervisor = Kept()
    monkeypatch.setattr("conformance.targets.kinds.programs.Supervisor", lambda **_: supervisor)
    yield
    Supervisor.close(supervisor)


def hold(attacks: list[Attack]) -> None:
    """Play each: how it has to end, with an owner, in words that can be shown."""
    wrong, files = [], [target(attack) for attack in attacks]
    with ThreadPoolExecutor(AT_ONCE) as pool:  # most of it is waiting for those that hang
        ends = list(pool.map(played, files))
    for attack, (outcome, why) in zip(attacks, ends, strict=True):
        if not _due(attack, outcome, why) or not why.isprintable():
            wrong.append((attack, outcome, why))
    assert wrong == []
    assert none_left(*files)


def _due(attack: Attack, outcome: Outcome, why: str) -> bool:
    """Whether it ended as it has to: no attack passes, and a machine's slowness is no failure."""
    if "hangs" in attack.finding:
        return outcome is Outcome.INCONCLUSIVE and attack.finding in why
    if attack.finding:
        return outcome is Outcome.FAIL and why == attack.finding
    if attack.how.get("deed") == "flood" and outcome is Outcome.FAIL:
        return True  # its first frame was looked at before there were too many
    if attack.broken:
        return outcome is Outcome.ERROR and why.startswith(SAYS)
    return outcome in FAILED


@pytest.mark.parametrize("share", range(SHARES))
def test_what_a_program_does_ends_and_is_owned(share: int) -> None:
    hold([one for one in ALL if "deed" in one.how][share::SHARES])


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.usefixtures("kept")
def test_what_a_program_says_ends_and_is_owned(share: int) -> None:
    hold([one for one in ALL if "deed" not in one.how][share::SHARES])


def test_a_command_that_is_too_long_is_told(tmp_path: Path) -> None:
    file = target(Attack("long", "real", {"at": "x" * 120_000}))
    with pytest.raises(TargetError, match="cannot be started: its command and its environment"):
        open_file(file)
