"""What ``kernel build`` refuses, before and while it works; nothing here takes a compiler long."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from conformance.errors import CaseError, EnvironmentProblem
from conformance.kernel import build, source
from conformance.kernel.edits import Edit, edits


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


def test_a_file_that_is_no_tarball_is_refused(tmp_path: Path) -> None:
    (tmp_path / "linux.tar.xz").write_bytes(b"certainly not")
    with pytest.raises(CaseError, match="is no tarball"):
        source.Source.of(str(tmp_path / "linux.tar.xz")).fill(tmp_path)


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
    try:
        build.check_tools()
    except EnvironmentProblem as problem:
        pytest.skip(str(problem))
    broken = tree(tmp_path / "tree", "%:\n\t@echo 'tcp.c:7: error: oops'; exit 2\n")
    with pytest.raises(EnvironmentProblem) as caught:
        build.build(str(broken), silent)
    assert "tcp.c:7: error: oops" in str(caught.value)
    assert str(cache / "tcp-conformance/build.log") in str(caught.value)
    assert list((cache / "tcp-conformance/kernels").iterdir()) == []


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


def test_a_source_that_looks_different_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="not as it should be"):
        Edit("a.c", "x", "y", "because").apply(tmp_path)
