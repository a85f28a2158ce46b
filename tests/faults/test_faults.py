"""Every refusal of the language, as its reader sees it: NAME.yaml is refused with NAME.txt.

After a change that is meant, ``WRITE_GOLDEN=1 pytest tests/faults`` writes the texts anew; read
the difference before it is committed.
"""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from conformance.case.decode import Known
from conformance.case.faults import MOST_FAULTS, CaseFaults, Fault, render
from conformance.case.load import load, load_case
from conformance.case.nodes import LARGEST_FILE, MOST_NODES
from conformance.case.settings import Settings
from conformance.case.spans import Span
from conformance.requirements import catalogue
from conformance.targets.settings.counters import near as near_counter
from conformance.targets.settings.options import value_problem
from conformance.targets.settings.sysctls import near

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.yaml"))
KNOWN = Known(
    requirement=catalogue.problem,
    watch_rules=lambda: frozenset({"checksum", "payload", "reserved"}),
    abilities=frozenset({"CALLS", "STATE", "PATH"}),
    settings=Settings(frozenset({"timestamps", "sack", "nodelay"}), value_problem, near),
    counter=near_counter,
)


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)


def refusal(path: str) -> str:
    sources: dict[str, str] = {}
    cases, faults = load([path], ".", KNOWN, sources)
    assert not cases
    return "\n".join(render(fault, sources) for fault in faults) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_refusal_reads_as_committed(name: str) -> None:
    text = refusal(f"{name}.yaml")
    golden = HERE / f"{name}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")  # for a person to read and to commit
    assert text == golden.read_text(encoding="utf-8")


def test_a_line_that_is_indented_far_is_quoted_from_its_first_word() -> None:
    fault = Fault(Span("a", 1, 96, 1), "here")
    quoted = render(fault, {"a": " " * 10 + "x" * 200}).splitlines()[1:]
    assert quoted == ["    " + "x" * 100, "    " + " " * 85 + "^"]


def test_every_text_has_its_case() -> None:
    assert {path.stem for path in HERE.glob("*.txt")} == set(NAMES)


def written(tmp_path: Path, octets: bytes) -> str:
    path = tmp_path / "bad.yaml"
    path.write_bytes(octets)
    with pytest.raises(CaseFaults) as caught:
        load_case(path, tmp_path)
    return str(caught.value).replace(str(tmp_path), "DIR")


CASE = b"title: T\nsteps:\n  - expect: ACK\n"
FILES = {
    "empty": (b"", "DIR/bad.yaml: the file is empty\n  a case begins with title:"),
    "blank": (b"\n\n \n", "DIR/bad.yaml: the file is empty\n  a case begins with title:"),
    "binary": (b"\x7fELF\x00\x01", "DIR/bad.yaml: the file is binary, a case is text"),
    "not UTF-8": (
        CASE + b"about: caf\xe9\n",
        "DIR/bad.yaml:4:11: octet 0xe9 is not UTF-8\n  save it as UTF-8",
    ),
    "UTF-16": (
        CASE.decode().encode("utf-16"),
        "DIR/bad.yaml: the file begins with a byte order mark\n"
        "  save the file as UTF-8 without one",
    ),
    "byte order mark": (
        b"\xef\xbb\xbf" + CASE,
        "DIR/bad.yaml: the file begins with a byte order mark\n"
        "  save the file as UTF-8 without one",
    ),
    "control character": (
        CASE + b"about: \x1b[2J\n",
        "DIR/bad.yaml:4:8: the character U+001B cannot stand in a case\n"
        "    about: \\x1b[2J\n           ^^^^",
    ),
    "line separator": (
        CASE + "about: a\u2028b\n".encode(),
        "DIR/bad.yaml:4:9: the character U+2028 cannot stand in a case\n"
        "    about: a\\u2028b\n            ^^^^^^",
    ),
    "lone carriage return": (
        b"title: T\rsteps: []\n",
        "DIR/bad.yaml:1:9: the character U+000D cannot stand in a case\n"
        "    title: T\\x0dsteps: []\n            ^^^^",
    ),
    "too large": (
        CASE + b"#" * LARGEST_FILE,
        "DIR/bad.yaml: the file is larger than 1 MiB",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_text_is_refused_in_one_fault(name: str, tmp_path: Path) -> None:
    octets, expected = FILES[name]
    assert written(tmp_path, octets) == expected


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "crlf.yaml"
    path.write_bytes(CASE.replace(b"\n", b"\r\n"))
    assert load_case(path, tmp_path)[0].steps[0].text == "expect: ACK"


def test_a_missing_file_is_one_fault(tmp_path: Path) -> None:
    with pytest.raises(CaseFaults, match=r"missing.yaml: no such file or directory"):
        load_case(tmp_path / "missing.yaml", tmp_path)


def test_a_directory_named_as_a_file_is_one_fault(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(CaseFaults, match=r"folder.yaml: is a directory"):
        load_case(tmp_path / "folder.yaml", tmp_path)


def test_an_unreadable_file_is_one_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.yaml"
    path.write_bytes(CASE)

    def refused(*_: object) -> None:  # chmod does not stop root
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(CaseFaults, match=r"secret.yaml: permission denied"):
        load_case(path, tmp_path)


def test_a_socket_is_one_fault_and_never_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("pipe.yaml")
        with pytest.raises(CaseFaults, match=r"pipe.yaml: neither a file nor a directory"):
            load_case("pipe.yaml")


def test_a_pipe_is_one_fault_and_never_blocks(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(CaseFaults, match=r"pipe.yaml: neither a file nor a directory"):
        load_case(tmp_path / "pipe.yaml", tmp_path)


def test_a_link_to_itself_is_one_fault(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    with pytest.raises(CaseFaults, match=r"loop.yaml: too many levels of symbolic links"):
        load_case(tmp_path / "loop.yaml", tmp_path)


def test_another_suffix_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(CASE)
    cases, faults = load([tmp_path])
    assert not cases
    assert [fault.hint for fault in faults] == ["name it a.yaml"]
    assert str(faults[0]) == f"{tmp_path}/a.yml: only files that end in .yaml are cases"


def test_all_faults_of_all_files_come_in_order() -> None:
    sources: dict[str, str] = {}
    _, faults = load(["flags-unknown.yaml", "case-no-title.yaml"], ".", KNOWN, sources)
    assert [(f.span.path, f.span.line) for f in faults] == [
        ("case-no-title.yaml", 1),
        ("case-no-title.yaml", 1),
        ("flags-unknown.yaml", 4),
        ("flags-unknown.yaml", 5),
        ("flags-unknown.yaml", 6),
    ]
    assert all(render(fault, sources) for fault in faults)


def test_combinations_repeat_no_fault() -> None:
    text = refusal("parameters-repeat-faults.yaml")
    assert text.count("unknown flag FNI") == 1
    assert text.count("unknown verb sned") == 1


HEAD = b"title: T\nsteps:\n"
HOSTILE = {
    "deep": (b"title: T\nsteps: " + b"[" * 900_000, "nested deeper than 32 levels"),
    "steps": (HEAD + b"  - x\n" * 150_000, f"more than {MOST_NODES} values"),
    "keys": (b"".join(b"x%d: 1\n" % i for i in range(80_000)), f"more than {MOST_NODES} values"),
    "key": (HEAD + b"  - " + b"x" * 60_000 + b": ACK\n", "not YAML"),
    "value": (HEAD + b"  - expect: " + b"A" * 60_000, "unknown flag AAA"),
    "sum": (HEAD + b"  - expect: ACK seq=1" + b"+1" * 30_000, "this text is too long"),
    "text": (HEAD + b"  - call: close(" + b"c" * 900_000 + b")\n", "a text longer than 65536"),
    "names": (
        b"title: T\nparameters:\n"
        + b"".join(b"  p%d: [1, 2, 3, 4]\n" % i for i in range(2000))
        + b"steps:\n  - expect: ACK\n",
        "too many combinations",
    ),
    "values": (
        b"title: T\nparameters: {a: [" + b", ".join(b"%d" % i for i in range(256)) + b"]}\n"
        b"steps:\n" + b"  - expect: ACK seq=$a\n" * 1999,
        "all combinations together have more than 20000 steps",
    ),
    "value of a parameter": (
        b"title: T\nparameters: {a: {x: " + b"+1" * 501 + b"}}\nsteps:\n  - expect: ACK seq=1$a\n",
        "a value longer than 1000",
    ),
    "parameters in a line": (
        b"title: T\nparameters: {a: {x: " + b"+1" * 499 + b"}}\n"
        b"steps:\n  - expect: ACK seq=1" + b"$a" * 30_000,
        "this text is too long",
    ),
    "parameters in a text": (
        b"title: T\nparameters: {a: {x: " + b"x" * 999 + b"}}\n"
        b"steps:\n  - state: " + b"$a" * 30_000,
        "a text longer than 65536",
    ),
    "labels": (
        HEAD + b"".join(b"  - {expect: ACK seq=x%d.seq, as: y%d}\n" % (i, i) for i in range(1999)),
        "no step before this one is labelled x0",
    ),
    "steps, expanded": (HEAD + b"  - expect: ACK\n" * 2001, "more than 2000 steps"),
    "deviations": (
        HEAD + b"  - {expect: ACK, as: x}\ndeviations: {linux: ["
        b"" + b", ".join([b"{step: x, instead: [expect: RST], because: x}"] * 65) + b"]}\n",
        "64 deviations or more",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_size_ends_in_few_words(name: str, tmp_path: Path) -> None:
    octets, expected = HOSTILE[name]
    text = written(tmp_path, octets)
    assert expected in text
    assert text.count("\nDIR/bad.yaml:") < MOST_FAULTS
    assert max(len(line) for line in text.split("\n")) < 400
