"""Target files that are right: what is read, what follows from it, who brings them.

Those that are wrong are in tests/faults.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from conformance.errors import CaseError
from conformance.play.profile import Ability, Part, Tolerance
from conformance.play.tolerances import QUIRKS, SITUATIONS
from conformance.targets import full_name, open_target
from conformance.targets.files import build, shipped
from conformance.targets.files.model import (
    ADDRESSES,
    ClockKind,
    Control,
    FileAddresses,
    ResetKind,
    TargetFile,
    WireKind,
)
from conformance.targets.files.reader import KEYS, decode
from conformance.targets.files.values import TIMES

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
profile: {msl: 60s, rto: 3s, min-rto: 1s, delack: 250ms, response: 1s+500ms, settle: 0s,
  tick: 0.5s, longest: 6h}
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
    cache = build.folder(Path("dir/my.yaml"), "mystack")
    lines = {line.split(":")[0] for line in WHOLE.splitlines() if not line.startswith(" ")}
    assert set(KEYS) - {"deviations", "ssh", "serves", "lacks", "tolerances"} == lines
    assert file == TargetFile(
        Path("dir/my.yaml"),
        "mystack",
        (f"{here}/mystack", "-v", f"{here}/../shared/x", f"{cache}/y", str(build.GLUE)),
        "A stack of mine",
        WireKind.FD,
        ClockKind.VIRTUAL,
        Control.AGENT,
        ResetKind.CALL,
        at_once=3,
        addresses={
            4: FileAddresses(
                "10.0.0.1", "10.0.0.2", 8, ADDRESSES[4].tester_mac, "02:aa:00:00:00:02"
            ),
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
        tick=0.5,
        longest=6 * 3600,
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
        WireKind.FD,
        ClockKind.REAL,
        Control.AGENT,
        ResetKind.PROCESS,
    )
    assert file.abilities == {Ability.CALLS, Ability.STATE, Ability.ACTIVE_OPEN}
    assert (file.addresses, file.msl, file.at_once) == (ADDRESSES, 120.0, None)


def test_the_addresses_are_those_between_namespaces() -> None:
    from conformance.live.workers import veth_plan

    for ip, ends in ADDRESSES.items():
        assert (ends.tester, ends.target) == (veth_plan.tester_address(ip, 0), veth_plan.TARGET[ip])
        assert (ends.tester_mac, ends.target_mac) == (veth_plan.TESTER_MAC, veth_plan.TARGET_MAC)


def test_an_interface_of_the_machine_needs_no_command() -> None:
    file = read("target: box\nwire: interface eth1\ncontrol: none\nabilities: [IPV6]\n")
    assert (file.wire, file.interface, file.command) == (WireKind.INTERFACE, "eth1", ())
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


@pytest.mark.parametrize("name", shipped.SHIPPED)
def test_a_shipped_file_is_right_and_named_as_it_is(name: str) -> None:
    file = shipped.find(name)
    assert file.name == name == full_name(name)
    assert file.about
    assert file.build
    assert build.shown(file) == name
    assert build.folder(file.path, name).name == name


def test_every_file_of_the_package_is_shipped() -> None:
    files = {path.stem for path in build.HOME.glob("*.yaml") if "." not in path.stem}
    assert files == set(shipped.SHIPPED)


def test_an_unknown_name_is_one_sentence_with_a_guess() -> None:
    for name, guess in (("lwpi", "lwip"), ("refrence", "reference")):
        with pytest.raises(CaseError, match=f"^unknown target '{name}': did you mean {guess}?"):
            open_target(name)


def test_a_path_is_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.yaml").write_text(SMALL, encoding="utf-8")
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
        "misnamed = other_stacks:PLACE\n"
        "no-module = not_there_at_all\n"
        "no-name = other_stacks:nothing\n"
        "no-path = other_stacks:NUMBER\n"
        "no-package = other_stacks.plain\n"
        "no-file = other_stacks\n"
    ),
    "code": (
        "from pathlib import Path\n"
        "PLACE = Path(__file__).parent / 'by-path.yaml'\n"
        "NUMBER = 7\n"
        "def where():\n    return str(PLACE.with_name('by-function.yaml'))\n"
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
    for name in ("by-function", "by-path", "in-package"):
        text = SMALL.replace("mystack", name, 1)
        (package / f"{name}.yaml").write_text(text, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), str(build.HOME.parents[1])])
    return {**os.environ, "PYTHONPATH": path}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("by-function", "by-function\n"),
        ("by-path", "by-path\n"),
        ("in-package", "in-package\n"),
        ("misnamed", "by-path.yaml is brought as misnamed and calls itself by-path"),
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
        "from conformance.targets.files.shipped import names\n"
        "assert sys.argv[1] in names() and 'other_stacks' not in sys.modules\n"
        "try:\n    print(full_name(sys.argv[1]))\n"
        "except ConformanceError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, name],
        env=plugin, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert said in done.stdout
    assert ("calls itself" in done.stdout) == (name == "misnamed")


# ---- the page about it ---------------------------------------------------------------------------


def test_the_page_has_every_key_and_its_example_is_right() -> None:
    page = (build.GLUE / "README.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    assert read(example).name == "lwip"
    rows = {line.split("`")[1] for line in page.split("\n") if line.startswith("| `")}
    assert set(KEYS) <= rows
    assert set(QUIRKS) <= rows
    tolerances = page.split("```yaml\n")[2].split("```")[0]
    assert [one.name for one in read(SMALL + tolerances).tolerances][-1] == "ack-of-close"
    assert all(f"`{situation}`" in page for situation in SITUATIONS)
    assert all(f"`{time}`" in page for time in TIMES)
    assert all(f"`{ability}`" in page for ability in Ability)
    assert all(f"`{{{place}}}`" in page for place in ("here", "cache", "glue", "python"))


def test_what_it_lacks_is_what_cases_are_skipped_for() -> None:
    assert read("target: box\ncommand: [./box]\n").lacks == frozenset()
    file = read("target: box\ncommand: [./box]\nlacks: [URGENT, HALF-CLOSE]\n")
    assert file.lacks == {Part.URGENT, Part.HALF_CLOSE}


def test_tolerances_have_names_and_reasons() -> None:
    text = "target: box\ncommand: [./box]\ntolerances:\n  no-urgent: it is none\n"
    text += (
        "  mine:\n    segment: ACK  seq=1\n    after: read\n    because: >\n      it\n      is so\n"
    )
    assert read(text).tolerances == (
        Tolerance("no-urgent", "it is none"),
        Tolerance("mine", "it is so", "ACK seq=1", "read"),
    )
