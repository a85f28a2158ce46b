"""Files that are a user's: written whole or not at all, read without a wait."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from conformance import files


class Broken(Exception):
    pass


def break_off(place: Path) -> None:
    with files.writing(place) as file:
        file.write(b"n")
        raise Broken


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    real, link = tmp_path / "deep" / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to("deep/real")
    files.write(link, b"new")
    assert link.is_symlink()
    assert (real.read_bytes(), stat.S_IMODE(real.stat().st_mode)) == (b"new", 0o640)
    assert names(tmp_path) + names(tmp_path / "deep") == ["deep", "link", "real"]


def test_a_new_file_has_the_mode_that_the_process_gives(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        files.write(tmp_path / "new", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_a_link_to_nothing_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    files.write_text(tmp_path / "link", "\udcff")
    assert (tmp_path / "real").read_bytes() == b"\\udcff"


def test_what_fails_half_way_leaves_what_was_there(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.write_bytes(b"old")
    with pytest.raises(Broken):
        break_off(place)
    assert (place.read_bytes(), names(tmp_path)) == (b"old", ["place"])


def test_a_place_that_cannot_be_taken_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        files.write(tmp_path / "folder", b"new")
    with pytest.raises(IsADirectoryError):
        files.try_to_write(tmp_path / "folder")
    with pytest.raises(FileNotFoundError):
        files.try_to_write(tmp_path / "no" / "where")
    assert names(tmp_path) == ["folder"]


def test_what_is_no_file_is_written_as_it_is() -> None:
    files.write(os.devnull, b"new")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    with pytest.raises(OSError, match="No space left"):
        files.write("/dev/full", b"new")


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(OSError, match="neither a file nor a directory"):
            files.read(tmp_path / name)
    with pytest.raises(IsADirectoryError):
        files.read(tmp_path)
    (tmp_path / "file").write_bytes(b"abcdef")
    assert files.read(tmp_path / "file", 4) == b"abcd"


def test_a_file_that_grows_ends_after_a_whole_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, write = tmp_path / "grown", os.write
    place.write_bytes(b"what was there before, and longer")

    def full(descriptor: int, piece: bytes) -> int:
        if len(piece) < 8:
            raise OSError(28, "No space left on device")
        return write(descriptor, bytes(piece[:4]))

    with files.Growing(place) as grown:
        assert place.read_bytes().startswith(b"what")  # until there is something else
        grown.append(b"first\n")
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            grown.append(b"second, and half of it\n")
        monkeypatch.undo()
        assert place.read_bytes() == b"first\n"
        grown.append(b"third\n")
    assert place.read_bytes() == b"first\nthird\n"


def test_no_path_is_too_long_to_be_asked_for() -> None:
    long = "a" * 5000
    assert [ask(long) for ask in (files.exists, files.is_file, files.is_directory)] == [False] * 3
