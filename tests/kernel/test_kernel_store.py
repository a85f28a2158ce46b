"""The shelf of kernels: names, versions, what is refused; no kernel is built or started."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from conformance.errors import CaseError, EnvironmentProblem
from conformance.kernel import store
from conformance.targets import kernels_of


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("6.1.192", "6.9.3", "6.12.117", "6.12.9"):
        folder = tmp_path / "tcp-conformance/kernels" / name
        folder.mkdir(parents=True)
        (folder / "facts.json").write_text(json.dumps({"release": name, "hz": 250}))
        (folder / "linux").touch()
    return tmp_path / "tcp-conformance/kernels"


def test_versions_are_sorted_as_numbers(shelf: Path) -> None:
    assert [kernel.name for kernel in store.kernels()] == ["6.1.192", "6.9.3", "6.12.9", "6.12.117"]
    assert store.version_key("6.12-rc1") < store.version_key("6.12") < store.version_key("6.12.1")


@pytest.mark.parametrize(
    ("asked", "found"),
    [("6.12", "6.12.117"), ("6.1", "6.1.192"), ("6.12.9", "6.12.9")],
)
def test_a_version_is_its_newest_release(shelf: Path, asked: str, found: str) -> None:
    assert store.find(asked).name == found
    assert store.find(asked).target == f"linux-{found}"


def test_a_kernel_that_is_not_built_names_the_command_that_builds_it(shelf: Path) -> None:
    with pytest.raises(CaseError, match=r"conformance kernel build 6\.18"):
        store.find("6.18")


@pytest.mark.parametrize("asked", ["6.12.5", "mine", "7", "6.18-rc1"])
def test_what_no_package_makes_names_all_that_can_be_built(shelf: Path, asked: str) -> None:
    with pytest.raises(CaseError) as caught:
        store.find(asked)
    assert str(caught.value) == (
        f"no kernel {asked} is built (built: 6.1.192, 6.9.3, 6.12.9, 6.12.117); one is made by: "
        "conformance kernel build VERSION|TARBALL|TREE [--name NAME]"
    )


def test_a_file_that_was_meant_is_hinted_at(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary(tmp_path / "mylinux")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CaseError, match=r"; the file of that name is \./mylinux$"):
        store.find("mylinux")


@pytest.mark.parametrize("asked", ["", "6.12,", ",6.12", "6.12,,host"])
def test_no_name_is_a_sentence_of_its_own(shelf: Path, asked: str) -> None:
    with pytest.raises(CaseError, match=r"^a kernel without a name: what is wanted is a version"):
        kernels_of(asked)


def test_what_is_half_built_is_not_there(shelf: Path) -> None:
    (shelf / ".building-1").mkdir()
    (shelf / "6.18.1").mkdir()  # no facts: never put in place by us
    assert "6.18.1" not in [kernel.name for kernel in store.kernels()]


@pytest.mark.parametrize(
    "facts", ["", "{", "[]", "7", "{}", '{"release": "6.12.9"}', '{"release": 6, "hz": 1}', "\xff"]
)
def test_a_damaged_kernel_is_not_there_and_harms_no_other(shelf: Path, facts: str) -> None:
    (shelf / "6.12.117/facts.json").write_text(facts, encoding="latin-1")
    (shelf / "6.9.3/linux").unlink()
    assert [kernel.name for kernel in store.kernels()] == ["6.1.192", "6.12.9"]
    assert store.find("6.12").name == "6.12.9"


def test_remove_takes_a_full_name_only(shelf: Path) -> None:
    with pytest.raises(CaseError, match=r"no kernel 6\.12 is built"):
        store.remove("6.12")
    store.remove("6.12.9")
    assert not (shelf / "6.12.9").exists()


def test_a_program_that_is_no_kernel_is_refused() -> None:
    with pytest.raises(EnvironmentProblem, match="no user-mode Linux"):
        store.find("/bin/true")
    with pytest.raises(CaseError, match="no such file"):
        store.find("/nowhere/linux")


def binary(path: Path) -> Path:
    """What answers as a kernel does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "#!/bin/sh\ncase $1 in --version) echo 6.12.117;; --showconfig) "
        "echo CONFIG_UML=y; echo CONFIG_UML_TIME_TRAVEL_SUPPORT=y; echo CONFIG_HZ=250;; esac\n"
    )
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("mylinux", "6.12.117-mylinux"),
        ("net-next/linux", "6.12.117-net-next"),
        ("net-next/vmlinux", "6.12.117-net-next"),
        ("net-next/um/../linux", "6.12.117-net-next"),
        ("a kernel/linux", "6.12.117-a-kernel"),
        ("x=1[2].bin", "6.12.117-x-1-2-.bin"),
    ],
)
def test_a_binary_is_named_by_its_release_and_its_file(
    shelf: Path, tmp_path: Path, place: str, name: str
) -> None:
    (tmp_path / "net-next/um").mkdir(parents=True)
    found = store.find(str(binary(tmp_path / place)))
    assert (found.name, found.target) == (name, f"linux-{name}")
    store.check_name(found.name)
    assert len(kernels_of(f"{tmp_path / place},6.12")) == 2


def test_a_binary_tells_its_configuration(tmp_path: Path) -> None:
    told = "CONFIG_UML=y\nCONFIG_UML_TIME_TRAVEL_SUPPORT=y\nCONFIG_HZ=250\n"
    facts = store.find(str(binary(tmp_path / "linux"))).facts
    assert facts["config"] == hashlib.sha256(told.encode()).hexdigest()


def test_a_cache_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(EnvironmentProblem, match="cannot be written"), store.workplace():
        pass
