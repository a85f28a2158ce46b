"""Whatever a file hides, no command and no item of pytest prints it: it is made visible."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from conformance.cli import main

pytest_plugins = ["pytester"]

# An escape that paints, a title of a window, a C1 control, overrides of order, separators.
HOSTILE = "\x1b[31mP\x1b]0;PWN\x07\x9b1mW\x7f\u202egnp.exe\u2066\u200e\u061c\u2028\u2029\x85N"
YAML = r"\e[31mP\e]0;PWN\a\x9b1mW\x7f\u202egnp.exe\u2066\u200e\u061c\u2028\u2029\x85N"
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]"
)
OURS = re.compile(r"\x1b\[[0-9;]*m")

GOOD = f"""\
title: "title {YAML}"
about: "about {YAML}"
given: established
parameters:
  how: {{one: "1", two: "2"}}
steps:
  - send:    ACK seq=1 ack=1 len=$how
  - either:
      - permits: "permits {YAML}"
        steps:
          - expect:  ACK seq=1 ack=1+$how
      - - expect:  RST
"""
FAILS = GOOD.replace("ack=1+$how", "ack=9+$how")
DEVIATES = (
    GOOD.replace("  - either", "    as: first\n  - either")
    + f"""\
deviations:
  reference:
    - step: first
      instead: [{{send: ACK seq=1 ack=1 len=$how}}]
      because: "because {YAML}"
"""
)
SKIPPED = GOOD.replace("given", f'target: {{sysctl: {{net.ipv4.tcp_ecn: "{YAML}"}}}}\ngiven')
BAD = (
    GOOD.replace("given: established", f'given: "{YAML}"').replace(
        "RST", "RST\n    ? " + f'"as{YAML}"\n    : x'
    )
    + f'"key {YAML}": x\nverifies: ["{YAML}"]\nunwatched: ["{YAML}"]\n'
    + f'target: {{needs: ["{YAML}"]}}\n'
)
SHOWN = GOOD.replace('one: "1"', f'"{YAML}": "1"')
RAW = GOOD.replace(YAML, "a\u202egnp.exe\u2066 \u200e").replace(
    "given: established", "given: \u202ex"
)
TARGET = f"""\
target: other
about: "about {YAML}"
command: ["false", "{YAML}"]
abilities: [CALLS]
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "fragments").symlink_to(Path(__file__).parents[2] / "cases/fragments")
    texts = {"good": GOOD, "fails": FAILS, "deviates": DEVIATES, "skipped": SKIPPED}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/bad.yaml").write_text(BAD)
    (tmp_path / "bad/shown.yaml").write_text(SHOWN)
    (tmp_path / "bad/raw.yaml").write_text(RAW)
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets/other.yaml").write_text(TARGET)
    (tmp_path / "targets/bad.yaml").write_text(TARGET + f'"{YAML}": x\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


COMMANDS = {
    "run": (["run", "good.yaml", "fails.yaml", "deviates.yaml", "--target", "reference"], 1),
    "run, JSON": (["run", "fails.yaml", "--target", "reference", "--json"], 1),
    "run what is skipped": (["run", "skipped.yaml", "--target", "reference"], None),
    "run what is bad": (["run", "bad", "--target", "reference"], 2),
    "run on two": (["run", "fails.yaml", "--target", "reference,targets/other.yaml"], 3),
    "run nothing": (["run", f"good.yaml::{HOSTILE}", "--target", "reference"], 2),
    "run nowhere": (["run", HOSTILE.replace("/", "")], 2),
    "list": (["list", ".", "--target", "reference"], 2),
    "list good": (["list", "good.yaml", "skipped.yaml", "--target", "reference"], 0),
    "list, keyword": (["list", "good.yaml", "-k", f"({HOSTILE}"], 2),
    "show": (["show", "deviates.yaml"], 0),
    "check": (["check", "bad", "good.yaml"], 2),
    "fmt": (["fmt", "--check", "bad", "good.yaml"], None),
    "replay": (["replay", "record"], 1),
    "replay, JSON": (["replay", "--json", "record"], 1),
    "replay what is none": (["replay", "bad/bad.yaml"], 2),
    "replay what is bad": (["replay", "bad-record"], 2),
    "replay what contradicts": (["replay", "odd-record"], 2),
    "compare": (["compare", "record", "record"], 0),
    "compare what is worse": (["compare", "record", "worse-record"], 1),
    "compare what is worse, JSON": (["compare", "record", "worse-record", "--json"], 1),
    "compare what loads no more": (["compare", "odd-record", "worse-odd-record"], 1),
    "compare what is cut": (["compare", "record", "cut-record"], 2),
    "compare what is bad": (["compare", "record", "bad-record"], 2),
    "target check": (["target", "check", "targets/other.yaml"], None),
    "target check what is bad": (["target", "check", "targets/bad.yaml"], 2),
    "no command": ([HOSTILE], 2),
    "no option": (["run", f"--{HOSTILE}"], 2),
}


def _records(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A record, one that is none, one that holds another case; all hold what is hidden."""
    played = ["run", "good.yaml", "fails.yaml", "deviates.yaml", "--target", "reference"]
    main([*played, "--record", "record"])
    capsys.readouterr()
    text = (root / "record").read_text()
    escaped = YAML.replace(r"\e", r"\u001b").replace(r"\a", r"\u0007").replace(r"\x", r"\u00")
    (root / "bad-record").write_text(f'{{"type":"{escaped}"}}\n')
    bad = text.replace('"type":"tick"', f'"type":"{escaped}"', 1)
    (root / "bad-record").write_text(bad.replace('"type":"case"', f'"type":"{escaped}"', 1))
    odd = text.replace("given: ", f"given: {escaped}", 1)
    (root / "odd-record").write_text(odd)
    for name, one in (("worse-record", text), ("worse-odd-record", odd)):
        (root / name).write_text(one.replace('"outcome":"pass"', '"outcome":"blocked"'))
    (root / "cut-record").write_text(text[:-30])


@pytest.mark.parametrize("colors", [False, True])
@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_hidden_is_printed(
    name: str,
    colors: bool,
    root: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words, status = COMMANDS[name]
    _records(root, capsys)
    if colors:
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        monkeypatch.setenv("TERM", "dumb")  # nothing moves
    assert status in (main(words), None)
    told = capsys.readouterr()
    said = told.out + told.err
    assert said.strip()
    assert not re.search(r"\x1b\[[0-9;]*mP(?=\\|\x1b|\x07)", said), "the text paints"
    said = OURS.sub("", said) if colors else said
    found = HIDDEN.search(said)
    assert found is None, said[max(0, found.start() - 60) : found.end() + 20]


def test_pytest_prints_nothing_hidden(pytester: pytest.Pytester, root: Path) -> None:
    ini = pytester.makeini(f"[pytest]\nconformance_cases = {root}\n")
    result = pytester.runpytest_subprocess(
        "-c", str(ini), "--target", "reference", "-vv", "-ra", "--continue-on-collection-errors",
        f"--junit-xml={pytester.path}/junit.xml", str(root), "-p", "no:cacheprovider",
    )  # fmt: skip
    said = "\n".join([*result.outlines, *result.errlines])
    assert "because \\x1b[31mP" in said
    assert "title \\x1b[31mP" in said
    assert "shown.yaml:5:10: this value cannot stand in an id" in said
    assert "unknown requirement \\x1b[31mP" in said
    assert HIDDEN.search(said) is None
    assert HIDDEN.search((pytester.path / "junit.xml").read_text(encoding="utf-8")) is None
