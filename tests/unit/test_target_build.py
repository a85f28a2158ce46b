"""What is built of a target file: where it is put, what is missing, how to get it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

import conformance
from conformance import processes
from conformance.errors import EnvironmentProblem
from conformance.targets import open_target
from conformance.targets.files import build
from conformance.targets.files.reader import load

ROOT = Path(conformance.__file__).parents[1]  # in a checkout, or where it is installed


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tcp-conformance" / "targets"


MADE = """\
target: mystack
command: ["{cache}/mystack"]
build: [sh, -c, 'echo "#!/bin/sh" >"$1" && chmod +x "$1"', sh, "{cache}/mystack", ./source]
packages: [libmystack-dev]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "my.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_not_built_says_how_to_get_it(tmp_path: Path, cache: Path) -> None:
    path = written(tmp_path, MADE)
    with pytest.raises(EnvironmentProblem) as caught:
        open_target(str(path))
    assert str(caught.value) == (
        "mystack is not built: apt-get install libmystack-dev, "
        f"then conformance target build {path}"
    )


def test_a_build_puts_the_glue_into_a_directory_of_its_own(tmp_path: Path, cache: Path) -> None:
    file = load(written(tmp_path, MADE))
    (tmp_path / "other").mkdir()
    other = load(written(tmp_path / "other", MADE))
    build.build(file)
    assert build.missing(file) == ""
    assert Path(file.command[0]).is_relative_to(cache)
    assert build.missing(other) == "mystack is not built"


def test_what_was_built_is_found_from_another_directory(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build.build(load(written(tmp_path, MADE)))
    (tmp_path / "project").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path / "project")
    for name in ("../my.yaml", "../link/my.yaml"):
        assert build.missing(load(Path(name))) == ""


def test_a_source_that_is_newer_is_told(tmp_path: Path, cache: Path) -> None:
    file = load(written(tmp_path, MADE))
    source = tmp_path / "source"
    source.touch()
    os.utime(source, (1, 1))
    build.build(file)
    assert build.stale(file) == ""
    header = tmp_path / "beside.h"
    header.touch()
    assert build.stale(file) == str(header)
    header.unlink()
    os.utime(file.command[0], (0, 0))
    assert build.stale(file) == str(source)


def test_a_directory_that_is_built_is_as_new_as_what_is_in_it(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "source").mkdir()
    file = load(written(tmp_path, MADE))
    build.build(file)
    inside = tmp_path / "source" / "main.go"
    inside.touch()
    os.utime(inside, (1, 1))
    assert build.stale(file) == ""
    os.utime(file.command[0], (0, 0))
    assert build.stale(file) == str(inside)


def test_what_was_built_of_older_sources_is_played_with_a_warning(
    tmp_path: Path, cache: Path
) -> None:
    text = 'target: mystack\ncommand: ["{python}", "{cache}/glue.py"]\n'
    text += 'build: [cp, ./glue.py, "{cache}/glue.py"]\nabilities: [CALLS]\n'
    source = tmp_path / "glue.py"
    speaks = (build.GLUE / "skeleton.py").read_text(encoding="utf-8")
    source.write_text(speaks.replace("@NAME@", "mystack"), encoding="utf-8")
    path = written(tmp_path, text)
    build.build(load(path))
    os.utime(source, (1, 1))
    with open_target(str(path)) as target:
        assert target.warning == ""
    os.utime(build.folder(path, "mystack") / "glue.py", (0, 0))
    with open_target(str(path)) as target:
        assert target.warning.startswith(f"{source} is newer than what was built of it")


def test_packages_that_are_there_are_not_asked_for(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = tmp_path / "dpkg-query"
    query.write_text("#!/bin/sh\necho gcc installed; echo half config-files\n", encoding="utf-8")
    query.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    file = load(written(tmp_path, "target: mystack\ncommand: [sh]\npackages: [gcc, half]\n"))
    assert build.packages(file) == ["apt-get install half"]
    query.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build.packages(file) == ["apt-get install gcc half"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[sh, -c, exit 3]", "mystack is not built: sh ended with status 3; it needs: apt-get"),
        ("[sh, -c, kill -9 $$]", "mystack is not built: sh ended with a signal; it needs: apt-get"),
        ("[no-such-compiler]", "no-such-compiler cannot be run: no such file or directory; it"),
        ("['true']", "the build ended well, and yet mystack is not built"),
    ],
)
def test_a_build_that_fails_is_one_sentence(
    tmp_path: Path, cache: Path, line: str, said: str
) -> None:
    head, _, tail = MADE.partition("build:")
    text = f"{head}build: {line}\n{tail.partition(chr(10))[2]}"
    with pytest.raises(EnvironmentProblem) as caught:
        build.build(load(written(tmp_path, text)))
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("program", "why"),
    [("no-such-compiler", "no such file or directory"), ("sh", "permission denied")],
)
def test_a_path_that_may_not_be_searched_is_no_compiler_that_is_there(
    tmp_path: Path, cache: Path, program: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(processes, "run", denied)
    head, _, _ = MADE.partition("build:")
    with pytest.raises(EnvironmentProblem, match=f"^{program} cannot be run: {why}"):
        build.build(load(written(tmp_path, f"{head}build: [{program}]\n")))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("command: [no-such-program]", "mystack needs the program no-such-program"),
        ("command: [./glue]", "mystack lacks {dir}/glue"),
        ("command: [sh, ./glue.sh]", "mystack lacks {dir}/glue.sh"),
        ("command: [/nowhere/glue]", "mystack cannot start: /nowhere/glue is not there"),
        (
            "command: [./my.yaml]",
            "mystack cannot start: {dir}/my.yaml may not be executed: chmod +x",
        ),
        ("command: [sh]\nenvironment: {X: './a:/b'}", "mystack lacks {dir}/a"),
        (
            "command: [nope]\npip: a-b",
            "mystack is not built: conformance target build {dir}/my.yaml",
        ),
        ("command: [sh]", ""),
    ],
)
def test_what_is_missing_is_one_sentence(tmp_path: Path, cache: Path, text: str, said: str) -> None:
    file = load(written(tmp_path, f"target: mystack\n{text}\n"))
    if not said:
        build.require(file)
        return
    with pytest.raises(EnvironmentProblem) as caught:
        build.require(file)
    assert str(caught.value).startswith(said.format(dir=tmp_path))


def test_a_glue_in_python_imports_this_package(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    text = 'target: mystack\ncommand: ["{python}", -c, "import conformance.glue.base"]\n'
    path = written(tmp_path, text)
    file = load(path)
    assert file.environment == {"PYTHONPATH": f"{ROOT}:/elsewhere"}
    done = subprocess.run(file.command, env=file.environment, cwd=tmp_path, check=False)
    assert done.returncode == 0
    path.write_text(text + "environment: {PYTHONPATH: /mine}\n", encoding="utf-8")
    assert load(path).environment == {"PYTHONPATH": "/mine"}


def test_pip_alone_is_a_build(tmp_path: Path, cache: Path) -> None:
    text = 'target: mystack\ncommand: ["{python}", ./glue.py]\npip: [a-stack==1.0]\n'
    (tmp_path / "glue.py").touch()
    file = load(written(tmp_path, text))
    site = str(build.site(file))
    assert file.build == (
        sys.executable, "-m", "pip", "install", "--target", site, "a-stack==1.0",
    )  # fmt: skip
    assert file.environment["PYTHONPATH"].split(os.pathsep)[:2] == [site, str(ROOT)]
    assert file.command == (sys.executable, str(tmp_path / "glue.py"))
    assert build.missing(file) == "mystack is not built"


# ---- names ---------------------------------------------------------------------------------------
