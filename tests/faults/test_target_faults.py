"""Every refusal of a target file, as its reader sees it: targets/NAME.yaml with NAME.txt.

After a change that is meant, ``WRITE_GOLDEN=1 pytest tests/faults`` writes the texts anew; read
the difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conformance.case.faults import MOST_FAULTS, CaseFaults
from conformance.case.nodes import LARGEST_FILE
from conformance.targets.files.reader import decode, load

HERE = Path(__file__).parent / "targets"
NAMES = sorted(path.stem for path in HERE.glob("*.yaml"))


def refusal(path: Path) -> str:
    with pytest.raises(CaseFaults) as caught:
        load(path)
    return f"{caught.value}\n"


@pytest.mark.parametrize("name", NAMES)
def test_refusal_reads_as_committed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    text = refusal(Path(f"{name}.yaml"))
    golden = HERE / f"{name}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")  # for a person to read and to commit
    assert text == golden.read_text(encoding="utf-8")
    assert "a case" not in text


def test_every_text_has_its_file() -> None:
    assert {path.stem for path in HERE.glob("*.txt")} == set(NAMES)


FILES = {
    "empty": (b"", "the file is empty\n  a target file begins with target:"),
    "binary": (b"\x7fELF\x00\x01", "the file is binary, a target file is text"),
    "not UTF-8": (b"target: caf\xe9\n", "octet 0xe9 is not UTF-8"),
    "control character": (b"target: \x1b[2J\n", "U+001B cannot stand in a target file"),
    "too large": (b"#" * (LARGEST_FILE + 1), "the file is larger than 1 MiB"),
    "deep": (b"target: " + b"[" * 900_000, "nested deeper than 32 levels"),
    "keys": (b"".join(b"x%d: 1\n" % i for i in range(5000)), "unknown key x0"),
    "words": (b"target: x\ncommand: [" + b"a, " * 9000 + b"a]\n", "a list of words expected"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_ends_in_few_words(name: str, tmp_path: Path) -> None:
    octets, expected = FILES[name]
    path = tmp_path / "bad.yaml"
    path.write_bytes(octets)
    text = refusal(path)
    assert expected in text
    assert text.count("\n") < 4 * MOST_FAULTS
    assert max(len(line) for line in text.split("\n")) < 400


def test_a_missing_file_and_a_directory_are_one_fault(tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"
    assert refusal(missing) == f"{missing}: no such file or directory\n"
    (tmp_path / "folder.yaml").mkdir()
    assert refusal(tmp_path / "folder.yaml") == f"{tmp_path}/folder.yaml: is a directory\n"


def test_a_text_is_decoded_without_a_file() -> None:
    found, faults = decode("target: mystack\ncommand: [./x]\nclok: real\n", Path("a/b.yaml"))
    assert found is None
    assert [str(fault) for fault in faults] == ["a/b.yaml:3:1: unknown key clok"]
    assert faults[0].hint == "did you mean clock?"
