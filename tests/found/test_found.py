"""What other people found in other stacks, and what was wrong here: each ends as it has to.

They are played from a directory that holds nothing but them. ``verdicts.yaml`` has what is no
pass: a stack that is wrong, or a case that asks for more than an RFC does. Such a case stands as
it was met; ``today`` has it as it is said now.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.cli import main
from conformance.kernel import store
from conformance.targets.files.build import missing
from conformance.targets.files.shipped import find

HERE = Path(__file__).parent
FOLDERS = ("reports", "faults", "today")
VERDICTS: dict[str, list[list[Any]]] = yaml.safe_load((HERE / "verdicts.yaml").read_text())
# What the language of today refuses, and how it says the same.
REFUSED = {
    "faults/p7-lab-gone": "1461 octets of text and options are too long for the link",
    "reports/b14-freertos-216-225": "unknown key isn of a segment",
    "reports/k5-google-rwnd-limited": "unknown name INFO.rwnd_limited",
}
TODAY = {
    "faults/p7-lab-gone": "today/p7-longer-than-the-link",
    "reports/b14-freertos-216-225": "today/b14-rst-beyond-the-wrap",
    "reports/k5-google-rwnd-limited": "today/k5-held-back-by-the-window",
}
STACKS = ("lwip", "libslirp", "gvisor", "pytcp", "ns3")
SLOW = {"lwip": ["-k", "not p14"]}  # millions of its ticks are in 25 days


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    for folder in FOLDERS:
        shutil.copytree(HERE / folder, tmp_path / folder)
    return tmp_path


def names(root: Path) -> set[str]:
    return {f"{path.parent.name}/{path.stem}" for path in root.glob("*/*.yaml")}


def expected(name: str, target: str, ip: int) -> tuple[str, str | int]:
    """The last line that names the target holds."""
    found: tuple[str, str | int] = ("pass", "")
    names = {"*", target, f"ipv{ip}", f"{target}-ipv{ip}"}
    for on, outcome, where, _ in VERDICTS.get(name, []):
        if names & set(on.split()):
            found = outcome, where
    return found


def fits(row: dict[str, Any], outcome: str, where: str | int) -> bool:
    """Whether it ended so: at this line, or for this reason."""
    line = re.search(r":(\d+):\d+$", row["step"])
    at = line is not None and line[1] == str(where)
    return row["outcome"] == outcome and (at if isinstance(where, int) else where in row["reason"])


def play(alone: Path, target: str, *words: str) -> list[str]:
    """Play all that can be read; each ends as its verdict says.

    Returns what a slow machine kept from being judged: none where time is virtual.
    """
    for name in REFUSED:
        (alone / f"{name}.yaml").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "conformance.cli", "run", "--json", *words, *FOLDERS],
        capture_output=True, text=True, cwd=alone, check=False,
    )  # fmt: skip
    *rows, _ = map(json.loads, done.stdout.splitlines())
    wrong, played, late = {}, set(), []
    for row in rows:
        path = Path(row["path"])
        name = f"{path.parent.name}/{path.stem}"
        played.add(name)
        outcome, where = expected(name, target, row["ip"])
        if target == "linux" and row["outcome"] == "inconclusive" != outcome:
            late.append(f"{row['id']}: {row['reason']}")
        elif not fits(row, outcome, where):
            wrong[row["id"]] = (row["outcome"], row["step"], row["reason"]), (outcome, where)
    assert not wrong, wrong
    slow = {name for name in names(alone) if expected(name, target, 4)[0] == "slow"}
    assert played == names(alone) - slow - {one for one in names(alone) if _left(one, words)}
    return late


def _left(name: str, words: tuple[str, ...]) -> bool:
    return "not p14" in words and "/p14" in name


def test_the_reference(alone: Path) -> None:
    play(alone, "reference", "--target=reference")


@pytest.mark.long
@pytest.mark.parametrize("name", STACKS)
def test_a_stack(alone: Path, name: str) -> None:
    if lacks := missing(find(name)):
        pytest.skip(f"NOT PLAYED ON {name}: {lacks}")
    play(alone, name, f"--target={name}", "--ip=4", *SLOW.get(name, []))


@pytest.mark.long
def test_the_running_kernel(alone: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("NOT PLAYED: root alone has packet sockets")
    if late := play(alone, "linux", "--target=linux"):
        pytest.skip(f"NOT JUDGED, the machine was slow: {late}")


@pytest.mark.long
def test_a_guest(alone: Path) -> None:
    if not any(kernel.name.startswith("6.12") for kernel in store.kernels()):
        pytest.skip("NOT PLAYED: conformance kernel build 6.12")
    play(alone, "guest", "--kernel=6.12")


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_said_otherwise_today_is_refused_and_says_why(
    name: str, alone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(alone)
    assert main(["check", f"{name}.yaml"]) == 2
    assert REFUSED[name] in capsys.readouterr().out
    assert main(["check", f"{TODAY[name]}.yaml"]) == 0


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("faults/p11-win-ladder", "--> ACK seq=1 ack=31 win=29"),
        ("faults/p13-rst-no-ack-shown", "<-- RST seq=1     "),
        ("faults/p9-close-pending-connect", "connect(s) = ECANCELED"),
    ],
)
def test_a_ladder_shows_why_it_failed(
    name: str, drawn: str, alone: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(alone)
    assert main(["run", "--target=reference", "--ip=4", f"{name}.yaml"]) == 1
    assert drawn in capsys.readouterr().out


def test_the_table_names_what_is_there() -> None:
    there = names(HERE)
    assert set(VERDICTS) <= there - set(REFUSED)
    told = {word for rows in VERDICTS.values() for row in rows for word in row[0].split()}
    known = {"*", "reference", "linux", "guest", *STACKS}
    assert {word.partition("-")[0] for word in told} <= known | {"ipv6"}
    pointed = {
        row[3].partition("today/")[2][:2].strip() for rows in VERDICTS.values() for row in rows
    }
    assert all(any(one.startswith(f"today/{two}") for one in there) for two in pointed if two)
