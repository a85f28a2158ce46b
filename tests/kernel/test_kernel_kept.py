"""A tree that is kept: what is copied and made again is what changed, and nothing is lost."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from conformance.errors import CaseError, EnvironmentProblem
from conformance.kernel import build, kept, make, store
from conformance.kernel.change import Place, TreeEdit
from conformance.kernel.kept import Ready

TCP, MINISOCKS, KCONFIG = "net/ipv4/tcp.c", "net/ipv4/tcp_minisocks.c", "net/ipv4/Kconfig"
EDIT = TreeEdit("because", (Place(MINISOCKS, "one", "two"),))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/tcp-conformance"


@pytest.fixture
def given(tmp_path: Path) -> Path:
    tree = tmp_path / "linux"
    for name, text in {
        "arch/um/Makefile": "",
        TCP: "tcp",
        MINISOCKS: "one",
        KCONFIG: "",
        "drivers/usb/hub.c": "no code of it is copied",
        "net/ipv4/tcp.o": "it was built in",
    }.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    return tree


def ready(given: Path, recipe: str = "recipe", *, configured: bool = True) -> Ready:
    with kept.tree(given, recipe, [EDIT], lambda _: None) as found:
        if configured:
            found.configured()
        return found


def old(path: Path) -> int:
    """Make its time an old one, so that a new one is seen."""
    os.utime(path, ns=(10**9, 10**9))
    return 10**9


def test_the_first_copy_has_all_that_is_built(given: Path) -> None:
    first = ready(given)
    assert (first.changed, first.unconfigured, first.edited) == (None, True, [MINISOCKS])
    assert (first.tree / MINISOCKS).read_text() == "two"
    assert (given / MINISOCKS).read_text() == "one"
    assert not (first.tree / "drivers/usb/hub.c").exists()
    assert not (first.tree / "net/ipv4/tcp.o").exists()
    assert (first.tree.parent.stat().st_mode & 0o777) == 0o700


def test_of_a_changed_tree_only_what_changed_is_new(given: Path) -> None:
    copy = ready(given).tree
    times = {name: old(copy / name) for name in (MINISOCKS, KCONFIG)}
    (copy / "net/ipv4/tcp.o").write_text("built")
    (given / TCP).write_text("tcp, changed")
    again = ready(given)
    assert again.changed == frozenset({TCP})
    assert not again.unconfigured
    assert (copy / TCP).read_text() == "tcp, changed"
    assert {name: (copy / name).stat().st_mtime_ns for name in times} == times
    assert (copy / "net/ipv4/tcp.o").exists()


def test_what_was_only_touched_is_not_made_again(given: Path) -> None:
    copy = ready(given).tree
    for name in (TCP, MINISOCKS):
        old(copy / name)
        os.utime(given / name)
    assert ready(given).changed == frozenset()
    assert {(copy / name).stat().st_mtime_ns for name in (TCP, MINISOCKS)} == {10**9}


def test_a_file_with_an_edit_keeps_it_when_it_changes(given: Path) -> None:
    copy = ready(given).tree
    (given / MINISOCKS).write_text("one, changed")
    assert ready(given).changed == frozenset({MINISOCKS})
    assert (copy / MINISOCKS).read_text() == "two, changed"


def test_what_was_deleted_goes_and_what_is_new_comes(given: Path) -> None:
    copy = ready(given).tree
    (given / TCP).rename(given / "net/ipv4/tcp_new.c")
    assert ready(given).changed == frozenset({"net/ipv4/tcp_new.c"})
    assert not (copy / TCP).exists()


def test_a_change_of_what_can_be_configured_configures_again(given: Path) -> None:
    ready(given)
    (given / KCONFIG).write_text("config TCP_NEW\n")
    assert ready(given, configured=False).unconfigured
    assert ready(given).unconfigured  # it was not done, or failed
    assert not ready(given).unconfigured


@pytest.mark.parametrize("recipe", ["another", "recipe"])
def test_another_recipe_begins_anew(given: Path, recipe: str) -> None:
    copy = ready(given).tree
    (copy / "net/ipv4/tcp.o").write_text("built")
    assert (ready(given, recipe).changed is None) is (recipe == "another")
    assert (copy / "net/ipv4/tcp.o").exists() is (recipe != "another")


def test_what_an_interrupted_build_has_copied_is_not_believed(
    given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the user takes the change back, time and all."""
    copy = ready(given).tree
    time = (given / TCP).stat().st_mtime_ns
    (given / TCP).write_text("TCP")
    with monkeypatch.context() as patch:
        patch.setattr(TreeEdit, "apply", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            ready(given)
    assert (copy / TCP).read_text() == "TCP"
    (given / TCP).write_text("tcp")
    os.utime(given / TCP, ns=(time, time))
    assert ready(given).changed == frozenset({TCP})
    assert (copy / TCP).read_text() == "tcp"


def test_two_builds_are_never_at_work_in_one_copy(given: Path) -> None:
    place = ready(given).tree.parent
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(EnvironmentProblem, match="Another build is at work in "):
            ready(given)


def test_only_a_tree_is_kept(tmp_path: Path) -> None:
    (tmp_path / "linux.tar").write_bytes(b"")
    with pytest.raises(CaseError, match="--keep is for a source tree that changes, and "):
        build.build(str(tmp_path / "linux.tar"), lambda _: None, keep=True)


def test_a_kernel_of_a_kept_tree_goes_with_it(given: Path, cache: Path) -> None:
    place = ready(given).tree.parent
    folder = cache / "kernels/mine"
    folder.mkdir(parents=True)
    (folder / "linux").write_text("")
    (folder / "facts.json").write_text(f'{{"release": "6.12", "hz": 250, "kept": "{place}"}}')
    store.remove("mine")
    assert not folder.exists()
    assert not place.exists()


# ---- what make said ------------------------------------------------------------------------------

SAID = """  CC      net/ipv4/tcp.o
net/ipv4/tcp.c: In function 'tcp_push':
net/ipv4/tcp.c:7:5: warning: unused variable 'x' [-Wunused-variable]
    7 |   int x;
      |       ^
  CC      lib/other.o
lib/other.c:9:1: warning: old [-Wold]
    9 | old
"""


@pytest.mark.parametrize(
    ("changed", "seen"), [(None, "tcp other"), ({TCP}, "tcp"), ({"lib/a.c"}, "")]
)
def test_warnings_are_those_of_the_files_that_changed(
    tmp_path: Path, changed: set[str] | None, seen: str
) -> None:
    builder = make.Builder(tmp_path, lambda _: None)
    builder.log.write_text(SAID)
    lines = SAID.splitlines()
    wanted = (lines[2:5] if "tcp" in seen else []) + (lines[6:8] if "other" in seen else [])
    assert builder.warnings(changed) == wanted


def test_each_build_has_a_log_of_its_own_and_the_newest_are_kept(
    tmp_path: Path, cache: Path
) -> None:
    (cache / "logs").mkdir(parents=True)
    for second in range(30):
        (cache / f"logs/build-20260101-0000{second:02}-1.log").write_text("")
    ours = make.Builder(tmp_path, lambda _: None).log
    logs = sorted((cache / "logs").iterdir())
    assert (len(logs), logs[-1]) == (20, ours)
    assert logs[0].name == "build-20260101-000011-1.log"
