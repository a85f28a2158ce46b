"""What ``kernel build`` refuses, before and while it works; nothing here takes a compiler long."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import CaseError, EnvironmentProblem
from conformance.kernel import build, source, store
from conformance.kernel.change import Place, TreeEdit
from conformance.kernel.edits import edits
from conformance.kernel.folders import reserved


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def tools(folder: Path, *names: str) -> str:
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to("/bin/true")
    return str(folder)


def silent(_: str) -> None:
    pass


def test_all_missing_tools_are_named_with_their_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", tools(tmp_path / "bin", "gcc", "ld", "make", "tar", "bc"))
    with pytest.raises(EnvironmentProblem) as caught:
        build.check_tools()
    assert str(caught.value) == (
        "A kernel cannot be built without flex, bison, xz: apt-get install flex bison xz-utils."
    )


def test_a_version_without_source_names_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PACKAGES", tmp_path)
    with pytest.raises(EnvironmentProblem, match=r"apt-get install linux-source-6\.12"):
        source.Source.of("6.12")
    with pytest.raises(CaseError, match=r"as 6\.12;"):
        source.Source.of("6.12.117")
    with pytest.raises(CaseError, match="no version, tarball or source tree 'x'"):
        source.Source.of("x")


@pytest.mark.parametrize("octets", [b"", b"certainly not", b"\x1f\x8b\x08" + bytes(9), bytes(700)])
def test_a_file_that_is_no_tarball_is_refused_in_one_line(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "linux.tar.xz").write_bytes(octets)
    with pytest.raises(CaseError, match=r"is no (tarball|Linux source)") as caught:
        source.Source.of(str(tmp_path / "linux.tar.xz")).fill(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_truncated_tarball_is_refused_with_the_reason(tmp_path: Path) -> None:
    """The reason, not tar's farewell after it."""
    noise = random.Random(1).randbytes(1 << 20)
    (tmp_path / "noise").write_bytes(noise)
    with tarfile.open(tmp_path / "linux.tar.xz", "w:xz") as archive:
        archive.add(tmp_path / "noise", "linux-6.12/noise")
    whole = (tmp_path / "linux.tar.xz").read_bytes()
    (tmp_path / "linux.tar.xz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "place").mkdir()
    with pytest.raises(CaseError, match="Unexpected end of input"):
        source.Source.of(str(tmp_path / "linux.tar.xz")).fill(tmp_path / "place")


def test_a_tarball_of_something_else_is_refused_and_leaves_nothing(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "check_tools", lambda: None)
    (tmp_path / "hello-1.0").mkdir()
    (tmp_path / "hello-1.0/README").write_text("hello")
    with tarfile.open(tmp_path / "hello.tar", "w") as archive:
        archive.add(tmp_path / "hello-1.0", "hello-1.0")
    with pytest.raises(CaseError, match="is no Linux source"):
        build.build(str(tmp_path / "hello.tar"), silent)
    assert list((cache / "tcp-conformance/kernels").iterdir()) == []


def test_a_directory_that_is_no_tree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="no Linux source tree"):
        source.Source.of(str(tmp_path))


def needs_tools() -> None:
    try:
        build.check_tools()
    except EnvironmentProblem as problem:
        pytest.skip(str(problem))


def eventually(fact: Callable[[], Any]) -> Any:
    """What the fact is once it is true; only a failure waits for the bound."""
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError):
            if found := fact():
                return found
        assert time.monotonic() < deadline
        time.sleep(0.01)


def tree(folder: Path, makefile: str) -> Path:
    """As much of a source tree as it takes to get to make."""
    files = {
        "Makefile": makefile,
        "arch/um/Makefile": "",
        "net/ipv4/tcp.c": "",
        "arch/um/Kconfig": "config HZ\n\tint\n\tdefault 100\n",
        "arch/um/kernel/skas/syscall.c": """
\t\tif (IS_ERR_VALUE(ret) &&
\t\t    (time_travel_mode == TT_MODE_INFCPU ||
\t\t     time_travel_mode == TT_MODE_EXTERNAL)) {
\t\t\tum_udelay(1);
\t\t\tschedule();
\t\t}
""",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_build_that_fails_shows_the_end_of_its_log_and_leaves_nothing(
    tmp_path: Path, cache: Path
) -> None:
    needs_tools()
    broken = tree(tmp_path / "tree", "%:\n\t@echo 'tcp.c:7: error: oops'; exit 2\n")
    with pytest.raises(EnvironmentProblem) as caught:
        build.build(str(broken), silent)
    assert "tcp.c:7: error: oops" in str(caught.value)
    (log,) = (cache / "tcp-conformance/logs").iterdir()
    assert f"its log is {log}" in str(caught.value)
    assert list((cache / "tcp-conformance/kernels").iterdir()) == []


def test_an_error_is_shown_even_if_other_jobs_went_on_after_it(tmp_path: Path, cache: Path) -> None:
    needs_tools()
    lines = "".join(f"\t@echo '  CC      net/{number}.o'\n" for number in range(40))
    makefile = f"%:\n\t@echo 'tcp.c:7: error: oops'\n{lines}\t@exit 2\n"
    broken = tree(tmp_path / "tree", makefile)
    with pytest.raises(EnvironmentProblem, match=r"tcp\.c:7: error: oops"):
        build.build(str(broken), silent)


def test_a_kernel_without_what_is_needed_says_what_it_has_not(tmp_path: Path) -> None:
    needs_tools()
    old = tree(tmp_path / "tree", "%:\n\t@echo CONFIG_HOSTFS=y >.config\n")
    with pytest.raises(EnvironmentProblem, match="it has no CONFIG_UML_TIME_TRAVEL_SUPPORT, "):
        build.build(str(old), silent)


def test_a_build_that_succeeds_is_put_in_its_place_and_leaves_nothing_else(
    kernel: store.BuiltKernel, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its compiler is a copy of the kernel that is there."""
    needs_tools()
    binary = kernel.binary
    config = binary.with_name(store.CONFIG)
    quick = tree(
        tmp_path / "tree", f"allnoconfig:\n\tcp {config} .config\nlinux:\n\tcp {binary} linux\n"
    )
    (tmp_path / "home").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "home"))
    for name in ("", "mine", "mine"):
        built = build.build(str(quick), silent, name=name)
        assert built.name == (name or built.facts["release"])
        assert built.facts["config"] == kernel.facts["config"]
    assert [one.name for one in store.kernels()] == ["mine", kernel.facts["release"]]
    assert len(list((cache / "tcp-conformance/kernels").iterdir())) == 2
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_an_interrupted_build_leaves_no_kernel_and_no_compiler(
    tmp_path: Path, cache: Path, end: signal.Signals
) -> None:
    needs_tools()
    slow = tree(
        tmp_path / "tree",
        "%:\n\t@echo $$$$ >$(CURDIR)/../../pid; while echo CC; do sleep 0.1; done\n",
    )
    home = tmp_path / "home"
    home.mkdir()
    # A terminal of its own would send its Ctrl-C to the group.
    with subprocess.Popen(
        [sys.executable, "-m", "conformance.cli", "kernel", "build", str(slow)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TMPDIR": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        pid = int(eventually(lambda: (home / "pid").read_text().strip()))
        os.killpg(process.pid, end)
    if end is not signal.SIGKILL:
        assert [path.name for path in home.iterdir()] == ["pid"]
        assert list((cache / "tcp-conformance/kernels").iterdir()) == []
    assert store.kernels() == []
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    with reserved(home, "conformance-kernel-") as ours, store.workplace() as place:
        assert set(home.iterdir()) == {home / "pid", ours}  # the next build removes what is left
        assert list((cache / "tcp-conformance/kernels").iterdir()) == [place.parent]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written_is_told_before_anything_is_built(
    tmp_path: Path, cache: Path
) -> None:
    needs_tools()
    cache.mkdir(mode=0o500)
    with pytest.raises(EnvironmentProblem, match="which cannot be written: Permission denied"):
        build.build(str(tree(tmp_path / "tree", "")), silent)


def test_a_place_without_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system of 64 kB, where root may mount one."""
    needs_tools()
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(small)], check=False
    ).returncode:
        pytest.skip("A SMALL FILE SYSTEM CANNOT BE MOUNTED, so a full one is not tried")
    given = tree(tmp_path / "tree", "")
    (given / "net/ipv4/tcp.c").write_bytes(bytes(1 << 20))
    monkeypatch.setattr(tempfile, "tempdir", str(small))
    try:
        with pytest.raises(EnvironmentProblem, match="No space left on device"):
            build.build(str(given), silent)
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_the_edits_change_a_copy_once_and_never_the_tree_that_was_given(tmp_path: Path) -> None:
    given = tree(tmp_path / "tree", "")
    copy = tmp_path / "copy"
    copy.mkdir()
    source.Source.of(str(given)).fill(copy)
    needed = [edit for edit in edits(1000) if edit.needed]
    assert all(edit.apply(copy) for edit in needed)
    once = (copy / "arch/um/kernel/skas/syscall.c").read_text()
    assert all(edit.apply(copy) for edit in needed)
    assert (copy / "arch/um/kernel/skas/syscall.c").read_text() == once
    assert "default 1000" in (copy / "arch/um/Kconfig").read_text()
    assert "default 100\n" in (given / "arch/um/Kconfig").read_text()


def test_of_a_tree_that_was_built_in_only_the_source_is_copied(tmp_path: Path) -> None:
    given = tree(tmp_path / "tree", "")
    kept = ["arch/um/kernel/vmlinux.lds.S", "include/linux/a.h"]
    left = ["vmlinux", "vmlinux.o", "linux", ".config", "net/ipv4/tcp.o", "include/config/A"]
    for name in kept + left:
        (given / name).parent.mkdir(parents=True, exist_ok=True)
        (given / name).write_text("")
    copy = tmp_path / "copy"
    copy.mkdir()
    source.Source.of(str(given)).fill(copy)
    assert [name for name in kept + left if (copy / name).exists()] == kept


def test_a_source_that_looks_different_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="not as it should be"):
        TreeEdit("because", (Place("a.c", "x", "y"),)).apply(tmp_path)


def test_an_edit_that_is_not_needed_is_made_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("x")
    (tmp_path / "b.c").write_text("x")
    places = (Place("a.c", "x", "y"), Place("b.c", "z", "y"))
    assert TreeEdit("because", places, needed=False).apply(tmp_path) == []
    assert (tmp_path / "a.c").read_text() == "x"
    (tmp_path / "b.c").write_text("z")
    assert TreeEdit("because", places, needed=False).apply(tmp_path) == ["a.c", "b.c"]
    assert (tmp_path / "a.c").read_text() + (tmp_path / "b.c").read_text() == "yy"
