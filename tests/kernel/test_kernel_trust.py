"""A cache that somebody else can have filled is refused before anything of it is executed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.errors import EnvironmentProblem
from conformance.kernel import guest, store, trust
from conformance.targets.files import build
from conformance.targets.files.reader import load

ANOTHER = 65534
EXECUTED = "#!/bin/sh\ntouch {}\nexit 0\n"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One with a kernel that tells when it is executed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    old = os.umask(0o022)
    folder = tmp_path / "tcp-conformance/kernels/6.12.1"
    folder.mkdir(parents=True)
    (folder / "facts.json").write_text(json.dumps({"release": "6.12.1", "hz": 250}))
    (folder / "linux").write_text(EXECUTED.format(tmp_path / "executed"))
    (folder / "linux").chmod(0o755)
    os.umask(old)
    return tmp_path / "tcp-conformance"


def chown(place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(place, ANOTHER, ANOTHER)


def open_to_all(place: Path) -> None:
    place.chmod(place.stat().st_mode | 0o002)


def open_to_a_group(place: Path) -> None:
    place.chmod(place.stat().st_mode | 0o020)


def own_link(place: Path) -> None:
    elsewhere = place.with_name(f"{place.name}-elsewhere")
    place.rename(elsewhere)
    place.symlink_to(elsewhere)


def link(place: Path) -> None:
    """Another's, to what is ours."""
    own_link(place)
    if os.geteuid() != 0:
        pytest.skip("only root can give a link away")
    os.lchown(place, ANOTHER, ANOTHER)


def link_to_another_s(place: Path) -> None:
    own_link(place)
    chown(place.resolve())


WAYS: dict[Callable[[Path], None], str] = {
    chown: "belongs to another user",
    open_to_all: "can be written by others: chmod go-w",
    open_to_a_group: "can be written by others",
    link: "is a link of another user",
    link_to_another_s: "belongs to another user",
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("part", [".", "kernels", "kernels/6.12.1", "kernels/6.12.1/linux"])
def test_a_kernel_of_another_is_never_started(
    cache: Path, tmp_path: Path, way: Callable[[Path], None], part: str
) -> None:
    kernel = store.find("6.12")
    way(cache / part)
    with pytest.raises(EnvironmentProblem, match=WAYS[way]):
        store.find("6.12")
    with pytest.raises(EnvironmentProblem, match=WAYS[way]):
        guest.run(kernel, guest.GuestCommand(["true"], cwd=Path("/")))
    with pytest.raises(EnvironmentProblem, match=WAYS[way]):
        store.ask(kernel.binary)
    assert main(["kernel", "exec", "6.12", "--", "true"]) == 3
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_another_has_built_is_never_started(
    cache: Path, tmp_path: Path, way: Callable[[Path], None]
) -> None:
    text = 'target: mine\ncommand: ["{cache}/mine"]\nbuild: [cp, /bin/true, "{cache}/mine"]\n'
    (tmp_path / "mine.yaml").write_text(text)
    file = load(tmp_path / "mine.yaml")
    build.build(file)
    program = Path(file.command[0])
    program.write_text(EXECUTED.format(tmp_path / "executed"))
    program.chmod(0o755)
    build.require(file)
    way(program.parent)
    with pytest.raises(EnvironmentProblem, match=WAYS[way]):
        build.require(file)
    with pytest.raises(EnvironmentProblem, match=WAYS[way]):
        build.build(file)
    assert main(["run", "--target", str(tmp_path / "mine.yaml"), "smoke"]) == 3
    assert main(["target", "check", str(tmp_path / "mine.yaml")]) == 3
    assert not (tmp_path / "executed").exists()


def test_a_link_of_another_above_the_cache_is_told(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "home" / "cache"
    place.parent.mkdir()
    place.symlink_to(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    assert store.find("6.12").name == "6.12.1"
    if os.geteuid() == 0:
        os.lchown(place, ANOTHER, ANOTHER)
        with pytest.raises(EnvironmentProblem, match="home/cache is a link of another user"):
            store.find("6.12")


def test_a_link_of_one_s_own_is_followed(cache: Path) -> None:
    own_link(cache / "kernels")
    assert store.find("6.12").name == "6.12.1"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_all_that_a_glue_program_imports_is_looked_at(
    cache: Path, tmp_path: Path, way: Callable[[Path], None]
) -> None:
    text = (
        'target: mine\ncommand: [python3]\nenvironment: {PYTHONPATH: "{cache}/site"}\n'
        'build: [sh, -c, \'mkdir -p "$1/deep" && touch "$1/deep/one.py"\', sh, "{cache}/site"]\n'
    )
    (tmp_path / "mine.yaml").write_text(text)
    file = load(tmp_path / "mine.yaml")
    build.build(file)
    build.require(file)
    way(Path(file.environment["PYTHONPATH"]) / "deep" / "one.py")
    with pytest.raises(EnvironmentProblem, match=WAYS[way]):
        build.require(file)


def test_a_build_keeps_a_stricter_mask(cache: Path, tmp_path: Path) -> None:
    text = 'target: mine\ncommand: ["{cache}/mine"]\nbuild: [cp, /bin/true, "{cache}/mine"]\n'
    (tmp_path / "mine.yaml").write_text(text)
    file = load(tmp_path / "mine.yaml")
    old = os.umask(0o077)
    try:
        build.build(file)
    finally:
        os.umask(old)
    assert Path(file.command[0]).stat().st_mode & 0o777 == 0o700


def test_what_is_made_can_be_written_by_nobody_else(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    old = os.umask(0)
    try:
        trust.make(cache, cache / "targets/mine")
    finally:
        os.umask(old)
    assert trust.problem(cache, cache / "targets/mine") == ""
    assert trust.problem(cache, cache / "targets/mine/not there") == ""
    assert trust.problem(cache, tmp_path) == ""
