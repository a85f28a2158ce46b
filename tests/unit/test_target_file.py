"""Target files that are right: what is read, what follows from it, what is there and how to get it.

Those that are wrong are in tests/faults.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import conformance
from conformance.errors import CaseError, EnvironmentProblem
from conformance.play.profile import Ability
from conformance.targets import built, full_name, open_target, shipped
from conformance.targets.file import KEYS, decode, load
from conformance.targets.file_model import (
    ADDRESSES,
    Addresses,
    Clock,
    Control,
    Reset,
    TargetFile,
    Wire,
)
from conformance.targets.values import TIMES

ROOT = Path(conformance.__file__).parents[1]  # in a checkout, or where it is installed
WHOLE = """\
target: mystack
about: >
  A stack
  of mine
command: [./mystack, -v, ../shared/x, "{cache}/y", "{glue}"]
build: [cc, -o, "{cache}/y", "{here}/mystack.c"]
packages: [gcc, libmystack-dev]
pip: some-package
environment: {LOG: "{here}/log", ON: yes}
wire: fd
clock: virtual
control: agent
reset: call
at-once: 3
abilities: [CALLS, STATE, ACTIVE-OPEN, IPV6]
options: {timestamps: TCP_TS, sack: SACK}
profile: {msl: 60s, rto: 3s, min-rto: 1s, delack: 250ms, response: 1s+500ms, settle: 0s}
addresses: {ipv4: {target: 10.0.0.2, tester: 10.0.0.1, prefix: 8, target-mac: 02:AA:00:00:00:02}}
"""
SMALL = "target: mystack\ncommand: [./mystack]\n"


def read(text: str, path: Path = Path("dir/my.yaml")) -> TargetFile:
    found, faults = decode(text, path)
    assert not faults
    assert found is not None
    return found


# ---- what is read --------------------------------------------------------------------------------


def test_every_key() -> None:
    file = read(WHOLE)
    here = Path("dir").absolute()
    cache = built.folder(Path("dir/my.yaml"), "mystack")
    lines = {line.split(":")[0] for line in WHOLE.splitlines()}
    assert set(KEYS) - {"deviations", "ssh", "serves"} == lines - {"  A stack", "  of mine"}
    assert file == TargetFile(
        Path("dir/my.yaml"),
        "mystack",
        (f"{here}/mystack", "-v", f"{here}/../shared/x", f"{cache}/y", str(built.GLUE)),
        "A stack of mine",
        Wire.FD,
        Clock.VIRTUAL,
        Control.AGENT,
        Reset.CALL,
        at_once=3,
        addresses={
            4: Addresses("10.0.0.1", "10.0.0.2", 8, ADDRESSES[4].tester_mac, "02:aa:00:00:00:02"),
            6: ADDRESSES[6],
        },
        abilities=frozenset(
            {
                Ability.CALLS,
                Ability.STATE,
                Ability.ACTIVE_OPEN,
                Ability.IPV6,
                Ability.VIRTUAL_TIME,
                Ability.OPTIONS,
            }
        ),
        options={"timestamps": "TCP_TS", "sack": "SACK"},
        msl=60.0,
        rto=3.0,
        min_rto=1.0,
        delack=0.25,
        response=1.5,
        settle=0.0,
        packages=("gcc", "libmystack-dev"),
        pip=("some-package",),
        build=("cc", "-o", f"{cache}/y", f"{here}/mystack.c"),
        environment={
            "PYTHONPATH": file.environment["PYTHONPATH"],
            "LOG": f"{here}/log",
            "ON": "yes",
        },
    )


def test_two_keys_are_enough() -> None:
    file = read(SMALL)
    assert (file.wire, file.clock, file.control, file.reset) == (
        Wire.FD,
        Clock.REAL,
        Control.AGENT,
        Reset.PROCESS,
    )
    assert file.abilities == {Ability.CALLS, Ability.STATE, Ability.ACTIVE_OPEN}
    assert (file.addresses, file.msl, file.at_once) == (ADDRESSES, 120.0, None)


def test_the_addresses_are_those_between_namespaces() -> None:
    from conformance.shell import link

    for ip, ends in ADDRESSES.items():
        assert (ends.tester, ends.target) == (link.tester_address(ip, 0), link.TARGET[ip])
        assert (ends.tester_mac, ends.target_mac) == (link.TESTER_MAC, link.TARGET_MAC)


def test_an_interface_of_the_machine_needs_no_command() -> None:
    file = read("target: box\nwire: interface eth1\ncontrol: none\nabilities: [IPV6]\n")
    assert (file.wire, file.interface, file.command) == (Wire.INTERFACE, "eth1", ())
    assert file.abilities == {Ability.IPV6}
    assert not file.own_network


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("control: none", set()),
        ("abilities: []", set()),
        ("abilities: []\nclock: virtual", {Ability.VIRTUAL_TIME}),
        ("abilities: [VIRTUAL-TIME]\nclock: virtual", {Ability.VIRTUAL_TIME}),
        ("abilities: []\noptions: {sack: S}", {Ability.OPTIONS}),
    ],
)
def test_what_follows_for_the_abilities(more: str, expected: set[Ability]) -> None:
    assert read(f"{SMALL}{more}\n").abilities == expected


def test_a_file_of_deviations_stands_beside(tmp_path: Path) -> None:
    (tmp_path / "known.yaml").touch()
    file = read(f"{SMALL}deviations: known.yaml\n", tmp_path / "my.yaml")
    assert file.deviations == tmp_path / "known.yaml"


# ---- what is there, and how to get it ------------------------------------------------------------


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
    built.build(file)
    assert built.missing(file) == ""
    assert Path(file.command[0]).is_relative_to(cache)
    assert built.missing(other) == "mystack is not built"


def test_a_source_that_is_newer_is_told(tmp_path: Path, cache: Path) -> None:
    file = load(written(tmp_path, MADE))
    source = tmp_path / "source"
    source.touch()
    os.utime(source, (1, 1))
    built.build(file)
    assert built.stale(file) == ""
    header = tmp_path / "beside.h"
    header.touch()
    assert built.stale(file) == str(header)
    header.unlink()
    os.utime(file.command[0], (0, 0))
    assert built.stale(file) == str(source)


def test_what_was_built_of_older_sources_is_played_with_a_warning(
    tmp_path: Path, cache: Path
) -> None:
    text = 'target: mystack\ncommand: ["{python}", "{cache}/glue.py"]\n'
    text += 'build: [cp, ./glue.py, "{cache}/glue.py"]\nabilities: [CALLS]\n'
    source = tmp_path / "glue.py"
    speaks = (built.GLUE / "skeleton.py").read_text(encoding="utf-8")
    source.write_text(speaks.replace("@NAME@", "mystack"), encoding="utf-8")
    path = written(tmp_path, text)
    built.build(load(path))
    os.utime(source, (1, 1))
    with open_target(str(path)) as target:
        assert target.warning == ""
    os.utime(built.folder(path, "mystack") / "glue.py", (0, 0))
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
    assert built.packages(file) == ["apt-get install half"]
    query.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert built.packages(file) == ["apt-get install gcc half"]


@pytest.mark.parametrize(
    ("build", "said"),
    [
        ("[sh, -c, exit 3]", "mystack is not built: sh ended with status 3; it needs: apt-get"),
        ("[sh, -c, kill -9 $$]", "mystack is not built: sh ended with a signal; it needs: apt-get"),
        ("[no-such-compiler]", "no-such-compiler cannot be run: no such file or directory; it"),
        ("['true']", "the build ended well, and yet mystack is not built"),
    ],
)
def test_a_build_that_fails_is_one_sentence(
    tmp_path: Path, cache: Path, build: str, said: str
) -> None:
    head, _, tail = MADE.partition("build:")
    text = f"{head}build: {build}\n{tail.partition(chr(10))[2]}"
    with pytest.raises(EnvironmentProblem) as caught:
        built.build(load(written(tmp_path, text)))
    assert str(caught.value).startswith(said)


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
        built.require(file)
        return
    with pytest.raises(EnvironmentProblem) as caught:
        built.require(file)
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
    site = str(built.site(file))
    assert file.build == (
        sys.executable, "-m", "pip", "install", "--target", site, "a-stack==1.0",
    )  # fmt: skip
    assert file.environment["PYTHONPATH"].split(os.pathsep)[:2] == [site, str(ROOT)]
    assert file.command == (sys.executable, str(tmp_path / "glue.py"))
    assert built.missing(file) == "mystack is not built"


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", shipped.SHIPPED)
def test_a_shipped_file_is_right_and_named_as_it_is(name: str) -> None:
    file = shipped.find(name)
    assert file.name == name == full_name(name)
    assert file.about
    assert file.build
    assert built.shown(file) == name
    assert built.folder(file.path, name).name == name


def test_every_file_of_the_package_is_shipped() -> None:
    files = {path.stem for path in built.HOME.glob("*.yaml") if "." not in path.stem}
    assert files == set(shipped.SHIPPED)


def test_an_unknown_name_is_one_sentence_with_a_guess() -> None:
    for name, guess in (("lwpi", "lwip"), ("refrence", "reference")):
        with pytest.raises(CaseError, match=f"^unknown target '{name}': did you mean {guess}?"):
            open_target(name)


def test_a_path_is_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, SMALL)
    assert full_name("./my.yaml") == full_name("my.yaml") == full_name(str(tmp_path / "my.yaml"))
    with pytest.raises(CaseError, match=r"linux-x\.yaml: no such file"):
        full_name("linux-x.yaml")


PLUGIN = {
    "metadata": "Metadata-Version: 2.1\nName: other-stacks\nVersion: 1.0\n",
    "entry_points": (
        "[conformance.targets]\n"
        "by-function = other_stacks:where\n"
        "by-path = other_stacks:PLACE\n"
        "in-package = other_stacks\n"
        "no-module = not_there_at_all\n"
        "no-name = other_stacks:nothing\n"
        "no-path = other_stacks:NUMBER\n"
        "no-package = other_stacks.plain\n"
        "no-file = other_stacks\n"
    ),
    "code": (
        "from pathlib import Path\n"
        "PLACE = Path(__file__).parent / 'in-package.yaml'\n"
        "NUMBER = 7\n"
        "def where():\n    return str(PLACE)\n"
    ),
}


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Another package, installed, that brings targets."""
    package = tmp_path / "other_stacks"
    info = tmp_path / "other_stacks-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (info / "METADATA").write_text(PLUGIN["metadata"], encoding="utf-8")
    (info / "entry_points.txt").write_text(PLUGIN["entry_points"], encoding="utf-8")
    (package / "__init__.py").write_text(PLUGIN["code"], encoding="utf-8")
    (package / "plain.py").touch()
    (package / "in-package.yaml").write_text(SMALL, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), str(built.HOME.parents[1])])
    return {**os.environ, "PYTHONPATH": path}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("by-function", "mystack"),
        ("by-path", "mystack"),
        ("in-package", "mystack"),
        ("no-module", "target no-module of other-stacks: No module named 'not_there_at_all'"),
        ("no-name", "target no-name of other-stacks: module 'other_stacks' has no attribute"),
        ("no-path", "target no-path of other-stacks: other_stacks:NUMBER gives no path"),
        ("no-package", "target no-package of other-stacks: other_stacks.plain is no package"),
        ("no-file", "no-file.yaml: no such file or directory"),
    ],
)
def test_another_package_brings_targets(name: str, said: str, plugin: Mapping[str, str]) -> None:
    code = (
        "import sys\n"
        "from conformance.errors import ConformanceError\n"
        "from conformance.targets import full_name\n"
        "from conformance.targets.shipped import names\n"
        "assert sys.argv[1] in names() and 'other_stacks' not in sys.modules\n"
        "try:\n    print(full_name(sys.argv[1]))\n"
        "except ConformanceError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, name],
        env=plugin, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert said in done.stdout


# ---- the page about it ---------------------------------------------------------------------------


def test_the_page_has_every_key_and_its_example_is_right() -> None:
    page = (built.GLUE / "README.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    assert read(example).name == "lwip"
    rows = {line.split("`")[1] for line in page.split("\n") if line.startswith("| `")}
    assert set(KEYS) <= rows
    assert all(f"`{time}`" in page for time in TIMES)
    assert all(f"`{ability}`" in page for ability in Ability)
    assert all(f"`{{{place}}}`" in page for place in ("here", "cache", "glue", "python"))
