"""Each thing that the language can say stands in a shipped case, played where it can be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conformance.kernel import store

ROOT = Path(__file__).parents[2]
ROWS = yaml.safe_load((Path(__file__).parent / "additions.yaml").read_text())
ONE_VERSION = "IPv4 has not what this case asks of the IP layer"
# Why a case is not played; a target that is not here plays it.
LACKS = {
    ("reference", "rfc3168/mark-outside-the-window"): "reference has no option ecn",
    ("reference", "rfc9768/marks-counted"): "reference has no option accecn",
    ("reference", "rfc5925/key-ids"): "reference lacks AO",
    ("reference", "linux/calls/more"): "reference lacks LINUX",
    ("reference", "linux/calls/sendmsg-stamps"): "reference lacks LINUX",
    ("reference", "linux/calls/linger2-below-zero"): "reference lacks LINUX",
    ("reference", "counters/fast-retransmit"): "reference lacks COUNTERS",
    ("reference", "counters/challenge-ack"): "reference lacks COUNTERS",
}
# What a kernel may be too old for, or built without.
PERHAPS = {"rfc9768/marks-counted": "refuses net.ipv4.tcp_ecn", "rfc5925/key-ids": "lacks AO"}
DEVIATES = {"rfc9293/3.9.1.8-reports/in-trouble"}  # Linux tells nobody before R2 (SHLD-9)
SLOW = {"rfc9293/3.9.1.8-reports/in-trouble"}  # in real time; --slow plays them
ONLY_6 = {
    "rfc9293/3.9.2-lower-level/overlapping-fragments",
    "rfc9293/3.9.2-lower-level/unknown-destination-option",
}


def play(target: str, *words: str) -> list[str]:
    """Play what says them; returns what a slow machine kept from being judged."""
    paths = [f"cases/{case}.yaml" for _, case, _ in ROWS]
    done = subprocess.run(
        [sys.executable, "-m", "conformance.cli", "run", "--json", *words, *paths],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    *rows, _ = map(json.loads, done.stdout.splitlines())
    wrong, late = {}, []
    for row in rows:
        name, reason = row["case"].partition("[")[0], row["reason"]
        lacks = LACKS.get((target, name), "")
        if row["ip"] == 4 and name in ONLY_6:
            lacks = ONE_VERSION
        perhaps = target != "reference" and PERHAPS.get(name, "no such") in reason
        skips = row["outcome"] == "skipped" and (reason == lacks or perhaps)
        known = target != "reference" and row["outcome"] == "deviates" and name in DEVIATES
        if target == "linux" and row["outcome"] == "inconclusive":
            late.append(f"{row['id']}: {reason}")
        elif not (skips or known or (row["outcome"] == "pass" and not lacks)):
            wrong[row["id"]] = row["outcome"], reason
    slow = SLOW if target == "linux" else set()
    played = {row["case"].partition("[")[0] for row in rows}
    assert played == {case for _, case, _ in ROWS} - slow
    assert not wrong, wrong
    return late


def test_the_reference() -> None:
    play("reference", "--target=reference")


@pytest.mark.long
def test_the_running_kernel() -> None:
    if os.geteuid() != 0:
        pytest.skip("NOT PLAYED: root alone has packet sockets")
    if late := play("linux", "--target=linux"):
        pytest.skip(f"NOT JUDGED, the machine was slow: {late}")


@pytest.mark.long
def test_a_guest() -> None:
    if not any(kernel.name.startswith("6.12") for kernel in store.kernels()):
        pytest.skip("NOT PLAYED: conformance kernel build 6.12")
    play("guest", "--kernel=6.12")


@pytest.mark.parametrize(("what", "case", "word"), ROWS, ids=[row[0] for row in ROWS])
def test_the_case_says_it(what: str, case: str, word: str) -> None:
    assert what
    assert word in (ROOT / f"cases/{case}.yaml").read_text(encoding="utf-8")
