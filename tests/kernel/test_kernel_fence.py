"""A guest writes where it may and nowhere else, whatever its root does; as root and as nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.kernel import fence, guest, store
from conformance.processes import children

ROOT = Path(__file__).parents[2]
NOBODY = 65534
# What root over there may try: $1 is a directory of this machine, $2 one that may be written.
ATTACKS = {
    "plainly": 'echo no > "$1/plain"',
    "remount": 'mount -o remount,rw / ; echo no > "$1/remount"',
    "hostfs": 'mkdir -p /run/m; mount -t hostfs -o / none /run/m; echo no > "/run/m$1/hostfs"',
    "hostfs, remount": (
        'mkdir -p /run/m; mount -t hostfs -o "$1" none /run/m; mount -o remount,rw /run/m;'
        "echo no > /run/m/hostfs"
    ),
    "above what is writable": (
        'mkdir -p /run/m; mount -t hostfs -o "$2/.." none /run/m; echo no > /run/m/above'
    ),
    "a link in what is writable": (
        'ln -s "$1" "$2/link"; mkdir -p /run/m; mount -t hostfs -o "$2/link" none /run/m;'
        "echo no > /run/m/linked"
    ),
    "away": 'mkdir -p /run/m; mount -t hostfs -o / none /run/m; rm "/run/m$1/there"',
    "renamed": 'mkdir -p /run/m; mount -t hostfs -o / none /run/m; mv "/run/m$1/there" "/run/m$2/"',
    "modes": 'mkdir -p /run/m; mount -t hostfs -o / none /run/m; chmod 777 "/run/m$1/there"',
    "the host's settings": (
        "mkdir -p /run/m; mount -t hostfs -o / none /run/m;"
        "echo conformance > /run/m/proc/sys/kernel/domainname;"
        "echo no > /run/m/proc/self/comm; echo no > /run/m/dev/shm/no"
    ),
}

# In a mount namespace: the directories before "--" let everybody through to those in them.
OPEN = """
stash=$1; shift
while [ "$1" != -- ]; do
    mkdir "$stash/$#"; mount --bind "$1" "$stash/$#"; mount -t tmpfs -o mode=755 none "$1"
    for one in "$stash/$#"/* "$stash/$#"/.[!.]*; do
        [ -d "$one" ] || continue
        mkdir "$1/${one##*/}"; mount --bind "$one" "$1/${one##*/}"
    done
    shift
done
shift; exec "$@"
"""


def closed(*needed: str | Path) -> list[Path]:
    """The directories on the way to these that not everybody may pass, the outermost first."""
    paths = {path for one in needed for path in (Path(one), Path(one).resolve())}
    above = {place for path in paths for place in path.parents}
    return sorted(place for place in above if not place.stat().st_mode & 0o001)


@pytest.fixture
def places() -> Iterator[tuple[Path, Path]]:
    """One of this machine, and one that may be written; anybody may write both, on the machine."""
    if why := fence.lacking():
        pytest.skip(f"no guest is fenced in here: {why}")
    with tempfile.TemporaryDirectory() as folder:  # of pytest's own others keep changing the modes
        Path(folder).chmod(0o755)
        outside, inside = Path(folder, "outside"), Path(folder, "inside")
        for place in (outside, inside):
            place.mkdir()
            place.chmod(0o777)
        (outside / "there").write_text("mine")
        (outside / "there").chmod(0o644)
        yield outside, inside


def untouched(outside: Path, inside: Path) -> None:
    assert os.listdir(outside) == ["there"]
    assert (outside / "there").read_text() == "mine"
    assert (outside / "there").stat().st_mode & 0o777 == 0o644
    assert sorted(os.listdir(inside.parent)) == ["inside", "outside"]
    assert not Path("/dev/shm/no").exists()


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("writable", [True, False])
def test_a_guest_cannot_write_elsewhere(
    kernel: store.BuiltKernel, places: tuple[Path, Path], attack: str, *, writable: bool
) -> None:
    outside, inside = places
    domain = Path("/proc/sys/kernel/domainname").read_text()
    script = f'{ATTACKS[attack]}; echo yes > "$2/yes"; exit 7'
    words = ["sh", "-c", script, "sh", str(outside), str(inside)]
    run = guest.GuestCommand(words, cwd=Path("/"), writable=[inside] if writable else [])
    assert guest.run(kernel, run) == 7
    untouched(outside, inside)
    assert (inside / "yes").exists() == writable
    assert Path("/proc/sys/kernel/domainname").read_text() == domain


@pytest.mark.parametrize("attack", ["remount", "hostfs", "above what is writable"])
def test_nor_can_that_of_an_ordinary_user(
    kernel: store.BuiltKernel, places: tuple[Path, Path], attack: str, tmp_path: Path
) -> None:
    """With a user namespace: what nobody may write, in a guest of nobody's."""
    if os.geteuid() != 0:
        pytest.skip("only root can become nobody; the other test is an ordinary user's already")
    outside, inside = places
    code = (
        "import sys; from pathlib import Path; from conformance.kernel import fence, guest, store;"
        "print(fence.lacking(), file=sys.stderr) or fence.lacking() and sys.exit(9);"
        "k = store.BuiltKernel('x', Path(sys.argv[1]), {});"
        "sys.exit(guest.run(k, guest.GuestCommand(sys.argv[3:], cwd=Path('/'),"
        " writable=[Path(sys.argv[2])])))"
    )
    words = ["sh", "-c", f'{ATTACKS[attack]}; echo yes > "$2/yes"; exit 7', "sh"]
    words += [str(outside), str(inside)]
    ways = closed(sys.executable, f"{sys.base_prefix}/bin", kernel.binary, ROOT / "tests")
    drop = ["unshare", "-m", "sh", "-ec", OPEN, "sh", str(tmp_path), *map(str, ways), "--"]
    drop += ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    run = subprocess.run(
        [*drop, sys.executable, "-c", code, str(kernel.binary), str(inside), *words],
        cwd=ROOT,
        env={**os.environ, "HOME": "/nonexistent", "TMPDIR": "/tmp"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if run.returncode == 9:
        pytest.skip(f"nobody's guest is not fenced in here: {run.stderr}")
    assert run.returncode == 7, run.stderr
    untouched(outside, inside)
    assert (inside / "yes").exists()


def test_the_process_has_no_powers_left(
    kernel: store.BuiltKernel, places: tuple[Path, Path]
) -> None:
    """But those over files, which are read-only."""
    told: list[str] = []

    def look(data: bytes) -> None:
        if data:
            guests = [Path(f"/proc/{pid}/status").read_text() for pid in children(os.getpid())]
            told.extend(one for one in guests if one.startswith("Name:\tlinux\n"))

    assert guest.run(kernel, guest.GuestCommand(["echo", "up"], cwd=Path("/"), out=look)) == 0
    lines = dict(line.split(":\t", 1) for line in told[0].splitlines())
    assert int(lines["CapEff"], 16) & ~0b11111 == 0
    assert int(lines["CapBnd"], 16) & ~0b11111 == 0
    assert lines["NoNewPrivs"] == "1"


def dies() -> None:
    raise LookupError("an encoding that it may not read")


@pytest.mark.parametrize(
    ("deed", "told"),
    [(dies, "the process that tried it out has failed"), (signal.pause, "it took more than 0.2 s")],
)
def test_only_who_says_that_a_fence_stands_is_believed(
    monkeypatch: pytest.MonkeyPatch, deed: Callable[[], object], told: str
) -> None:
    monkeypatch.setattr(fence, "_leave", deed)
    monkeypatch.setattr(fence, "_TRY", 0.2)
    assert fence.lacking.__wrapped__() == told


def test_who_cannot_be_fenced_in_is_told_so(
    kernel: store.BuiltKernel, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fence, "lacking", lambda: "Operation not permitted")
    assert main(["kernel", "exec", kernel.name, "--", "true"]) == 0
    said = capfd.readouterr().err
    assert "fences no guest in (Operation not permitted)" in said
    assert "can write wherever you can" in said
