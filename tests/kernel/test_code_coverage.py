"""``run --code-coverage``: what is refused, and gcov with a program in the place of a kernel.

A kernel that counts is built by ``test_faulty_kernel`` only: it takes a minute.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main
from conformance.errors import EnvironmentProblem
from conformance.kernel import counting, gcov, store
from conformance.report.code import gathered

PROGRAM = """int main(int count, char **words)
{
\tif (count > 1)
\t\treturn 0;
\treturn 1;
}
"""
TCP = "net/ipv4/tcp.c"


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "cache/tcp-conformance/kernels"
    place.mkdir(parents=True)
    return place


def put(shelf: Path, name: str, **facts: Any) -> Path:
    """A kernel that is never started."""
    folder = shelf / name
    folder.mkdir(exist_ok=True)
    (folder / "linux").write_text("")
    (folder / "facts.json").write_text(json.dumps({"release": name, "hz": 250, **facts}))
    return folder


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (
            "--kernel 6.12 --code-coverage out",
            "6.12.1 does not count what runs; a kernel that does is made by: conformance kernel "
            "build VERSION --coverage",
        ),
        (
            "--target reference --code-coverage out",
            "--code-coverage is for one kernel in virtual time, and none is named",
        ),
        (
            "--kernel 6.12.1,6.12.1-coverage --code-coverage out",
            "--code-coverage is for one kernel in virtual time, and 2 are named",
        ),
        (
            "--kernel 6.12 --of fix.patch",
            "--of is for --code-coverage DIR, which counts what ran of the patch",
        ),
        (
            "--kernel 6.12.1-coverage --code-coverage out --of missing.patch",
            "--of missing.patch cannot be read: no such file or directory",
        ),
        (
            "--kernel 6.12.1-coverage --code-coverage out --of other.patch",
            "other.patch is not in this kernel: its net/ipv4/tcp.c:3 was another line when it was "
            "built",
        ),
        (
            "--kernel 6.12.1-coverage --code-coverage file/out",
            "--code-coverage file/out cannot be written: not a directory",
        ),
    ],
)
def test_what_cannot_be_counted_is_refused_in_one_sentence(
    shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, why: str
) -> None:
    put(shelf, "6.12.1")
    notes = put(shelf, "6.12.1-coverage", coverage=3) / counting.NOTES
    (notes / "net/ipv4").mkdir(parents=True)
    (notes / TCP).write_text(PROGRAM)
    (tmp_path / "other.patch").write_text(f"+++ b/{TCP}\n@@ -3 +3 @@\n-x\n+y\n")
    (tmp_path / "file").write_text("")
    cases = str(Path(__file__).parents[2] / "cases/smoke")
    assert main(["run", cases, *words.split()]) == 2
    told = capsys.readouterr()
    assert told.err.strip().splitlines() == [f"conformance: {why}"]
    assert not (tmp_path / "out").exists()


def test_a_version_means_the_kernel_that_does_not_count(shelf: Path) -> None:
    for name in ("6.12.1", "6.12.1-coverage"):
        put(shelf, name)
    assert store.find("6.12").name == "6.12.1"


@pytest.fixture
def counted(shelf: Path, tmp_path: Path) -> store.BuiltKernel:
    """A program that was compiled as the files of TCP are, and kept as a kernel is."""
    if shutil.which("gcc") is None or shutil.which("gcov") is None:
        pytest.skip("THERE IS NO GCC, so nothing is counted")
    tree = tmp_path / "tree"
    (tree / "net/ipv4").mkdir(parents=True)
    (tree / TCP).write_text(PROGRAM)
    flags = ["-fprofile-arcs", "-ftest-coverage"]
    for step in (
        ["gcc", *flags, "-c", "-o", "net/ipv4/tcp.o", TCP],
        ["gcc", *flags, "-o", "linux", "net/ipv4/tcp.o"],
    ):
        subprocess.run(step, cwd=tree, check=True)
    folder = put(shelf, "6.12.1", coverage=counting.keep(tree, shelf / "6.12.1"))
    shutil.copy(tree / "linux", folder / "linux")
    shutil.rmtree(tree)
    return store.find("6.12.1")


def run(kernel: store.BuiltKernel, counters: Path, *words: str) -> None:
    counters.mkdir(exist_ok=True)
    environment = {**os.environ, **gcov.environment(kernel, counters)}
    subprocess.run([kernel.binary, *words], env=environment, check=False)


def test_the_counters_of_several_guests_are_one_sum(
    counted: store.BuiltKernel, tmp_path: Path
) -> None:
    gcov.require(counted)
    for words in ([], [], ["one"]):
        run(counted, tmp_path / "counters", *words)
    assert [path.name for path in (tmp_path / "counters/net/ipv4").iterdir()] == ["tcp.gcda"]
    code = gathered(gcov.read(counted, tmp_path / "counters"), [TCP])[TCP]
    assert code.lines == {1: 3, 3: 3, 4: 1, 5: 2}
    assert code.branches == {3: [1, 2]}
    assert [(one.name, one.count) for one in code.functions.values()] == [("main", 3)]


def test_where_no_guest_has_run_nothing_is_counted(
    counted: store.BuiltKernel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = str(Path(__file__).parents[2] / "cases/smoke")
    words = ["--kernel", counted.name, "--code-coverage", "out", "-k", "not_there"]
    assert main(["run", cases, *words]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "nothing is counted: no guest has run to its end",
        "conformance: nothing to play: -k is true of no id; list without it shows them",
    ]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["counters"]


def test_notes_that_gcov_cannot_read_are_told(counted: store.BuiltKernel, tmp_path: Path) -> None:
    run(counted, tmp_path / "counters")
    (gcov.source(counted) / "net/ipv4/tcp.gcno").write_bytes(b"of another gcc")
    with pytest.raises(EnvironmentProblem, match="gcov cannot read the counters"):
        list(gcov.read(counted, tmp_path / "counters"))


def test_the_edits_of_a_kernel_that_counts_are_made_once(tmp_path: Path) -> None:
    texts = {
        "net/ipv4/Makefile": "obj-y := tcp.o\n",
        "net/ipv6/Makefile": "obj-y := tcp_ipv6.o\n",
        "scripts/link-vmlinux.sh": '\t\tldlibs="-lutil -lrt -lpthread"\n',
        "arch/um/kernel/reboot.c": "void uml_cleanup(void)\n{\n\tkmalloc_ok = 0;\n}\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for _ in range(2):
        assert all(edit.apply(tmp_path) for edit in counting.EDITS)
    for name, new in {
        "net/ipv4/Makefile": "CFLAGS_tcp_input.o += -fprofile-arcs -ftest-coverage\n",
        "net/ipv6/Makefile": "CFLAGS_tcp_ipv6.o += -fprofile-arcs -ftest-coverage\n",
        "scripts/link-vmlinux.sh": "-lpthread libgcov.a",
        "arch/um/kernel/reboot.c": "{\n\t__gcov_dump();\n\tkmalloc_ok = 0;",
    }.items():
        assert (tmp_path / name).read_text().count(new) == 1
