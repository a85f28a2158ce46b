"""``ssh:HOST`` for real: an OpenSSH server in one network namespace, the harness in another.

Two veth pairs join them: one for ssh, one for the frames. The server has keys, a configuration and
a home of its own below a temporary directory; the client reads its own configuration by ``ssh -F``.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOUND = 120.0  # seconds; a busy machine needs ten
PORT = 2222
SSHD = "/usr/sbin/sshd"
PACKAGES = {
    SSHD: "openssh-server",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}
CLOSES = "smoke or (simultaneous-close and not data) or (3.6-close/fin-with-data)"
LINK = ["--interface", "eth1", "--own-network"]
BOTH = ["--address", "192.0.2.2", "--tester-address", "192.0.2.1"]
BOTH += ["--address", "2001:db8::2", "--tester-address", "2001:db8::1"]
OTHER = ["--interface", "eth0", "--own-network", "--address", "198.51.100.2"]
OTHER += ["--tester-address", "198.51.100.1"]
# In a mount namespace of its own: it wants a directory below /run.
SERVER = 'mount -t tmpfs none /run && mkdir /run/sshd && exec "$@"'
SSHD_CONFIG = """\
ListenAddress 198.51.100.2:{port}
HostKey {place}/host
AuthorizedKeysFile {place}/authorized
StrictModes no
UsePAM no
PidFile none
PasswordAuthentication no
SetEnv HOME={place}/home
"""
SSH_CONFIG = """\
Host box
  HostName 198.51.100.2
  Port {port}
  User root
  IdentityFile {place}/user
  IdentitiesOnly yes
  UserKnownHostsFile {place}/known
  GlobalKnownHostsFile none
Host stranger
  HostName 198.51.100.2
  Port {port}
  UserKnownHostsFile /dev/null
  GlobalKnownHostsFile none
Host nobody
  HostName 198.51.100.2
  Port {port}
  User root
  IdentityFile {place}/other
  IdentitiesOnly yes
  UserKnownHostsFile {place}/known
"""


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=BOUND)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


@dataclass
class Pair:
    """The two namespaces, by a process in each, and the directory of it all."""

    place: Path
    tester: int
    target: int

    def at_tester(self, *words: str) -> list[str]:
        return ["nsenter", "-t", str(self.tester), "-n", *words]

    def at_target(self, *words: str) -> list[str]:
        return ["nsenter", "-t", str(self.target), "-n", *words]

    def play(self, *words: str, target: str = "ssh:box") -> tuple[int, str]:
        """Exit status and all that was said of a run in the tester's namespace."""
        return self.conformance("run", "--target", target, *words)

    def conformance(self, *words: str) -> tuple[int, str]:
        """The same of any command."""
        done = subprocess.run(
            self.at_tester(sys.executable, "-m", "conformance.cli", *words),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=BOUND,
        )
        return done.returncode, done.stdout + done.stderr

    @property
    def environment(self) -> dict[str, str]:
        """The client's: its ssh comes first."""
        return {**os.environ, "PATH": f"{self.place}/bin{os.pathsep}{os.environ['PATH']}"}

    @property
    def namespace(self) -> int:
        """The target's network."""
        return Path(f"/proc/{self.target}/ns/net").stat().st_ino

    def files(self) -> list[Path]:
        """What was put on the host."""
        return sorted((self.place / "home").rglob("agent-*"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    if os.geteuid() != 0:
        pytest.skip("an ssh server in a namespace needs root")
    for program, package in PACKAGES.items():
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not there: apt-get install {package}")
    place = tmp_path_factory.mktemp("ssh")
    _keys(place)
    with ExitStack() as stack:
        tester = stack.enter_context(_holder("--net"))
        target = stack.enter_context(_holder("--net", "--mount"))
        pair = Pair(place, tester, target)
        _links(pair)
        stack.enter_context(_server(pair))
        namespace = pair.namespace
        yield pair
    assert not inside(namespace)


def _keys(place: Path) -> None:
    (place / "home").mkdir()
    (place / "bin").mkdir()
    for name in ("host", "user", "other"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / name))
    (place / "authorized").write_text((place / "user.pub").read_text())
    kind, key, *_ = (place / "host.pub").read_text().split()
    (place / "known").write_text(f"[198.51.100.2]:{PORT} {kind} {key}\n")
    (place / "sshd").write_text(SSHD_CONFIG.format(place=place, port=PORT))
    (place / "ssh").write_text(SSH_CONFIG.format(place=place, port=PORT))
    wrapper = place / "bin" / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {place}/ssh "$@"\n')
    wrapper.chmod(0o755)


@contextmanager
def _holder(*flags: str) -> Iterator[int]:
    """A process in namespaces of its own; they last as long as it does."""
    script = "echo up; read -r _"
    process = subprocess.Popen(
        ["unshare", *flags, "sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process.pid
    finally:
        process.communicate()


def _links(pair: Pair) -> None:
    target = str(pair.target)
    for name in ("eth0", "eth1"):
        run(
            *pair.at_tester(*f"ip link add {name} type veth peer name {name} netns".split(), target)
        )
    for at in (pair.at_tester, pair.at_target):
        for name in ("lo", "eth0", "eth1"):
            run(*at("ip", "link", "set", name, "up"))
    run(*pair.at_tester("ip", "addr", "add", "198.51.100.1/24", "dev", "eth0"))
    for address, name in (("198.51.100.2/24", "eth0"), ("192.0.2.2/24", "eth1")):
        run(*pair.at_target("ip", "addr", "add", address, "dev", name))
    run(*pair.at_target("ip", "addr", "add", "2001:db8::2/64", "dev", "eth1", "nodad"))
    run(*pair.at_target("ip", "link", "set", "eth1", "gso_max_segs", "1"))


@contextmanager
def _server(pair: Pair) -> Iterator[None]:
    words = ["sh", "-c", SERVER, "sshd", SSHD, "-D", "-e", "-f", f"{pair.place}/sshd"]
    process = subprocess.Popen(
        ["nsenter", "-t", str(pair.target), "-n", "-m", *words],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        told = ""
        while "Server listening" not in told:
            line = process.stderr.readline()
            told += line
            assert line, f"sshd has ended: {told}"
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def inside(namespace: int) -> dict[int, str]:
    """What runs in a network namespace: process numbers and command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "ns" / "net").stat().st_ino == namespace:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(entry.name)] = words.decode(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
    return found


def sound(status: int, told: str) -> bool:
    """Whether all was as expected; on a machine that is busy some of it may not be known."""
    counts = told.rstrip().splitlines()[-1]
    wrong = any(word in counts for word in ("failed", "error", "blocked"))
    return not wrong and "passed" in counts and (status == 0 or "inconclusive" in counts)


def agents(pair: Pair) -> list[int]:
    return [pid for pid, words in inside(pair.namespace).items() if "/agent-" in words]


# ---- it plays ------------------------------------------------------------------------------------


def test_smoke_and_closing_over_both_versions(pair: Pair) -> None:
    status, told = pair.play(*LINK, *BOTH, "-k", CLOSES)
    assert sound(status, told), told
    for version in ("ssh:box-ipv4", "ssh:box-ipv6"):
        assert f"smoke/handshake-and-close::{version}" in told
        assert f"3.6-close/simultaneous-close::{version}" in told
    assert "SKIPPED" not in told
    assert not agents(pair)


def test_the_agent_is_put_there_once_and_mended_where_nobody_else_may_write(pair: Pair) -> None:
    smoke = [*LINK, *BOTH[:4], "smoke"]
    assert sound(*pair.play(*smoke))
    (there,) = pair.files()
    before = there.stat()
    assert sound(*pair.play(*smoke))
    assert (there.stat().st_ino, there.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    right = there.read_bytes()
    there.write_bytes(b"raise SystemExit('not the agent')\n")
    assert sound(*pair.play(*smoke))
    assert pair.files() == [there]
    assert there.read_bytes() == right
    there.parent.chmod(0o777)
    status, told = pair.play(*smoke)
    there.parent.chmod(0o700)
    assert (status, "others may write it" in told) == (3, True), told


def test_a_target_file_says_the_same(pair: Pair, tmp_path: Path) -> None:
    file = tmp_path / "box.yaml"
    file.write_text(
        "target: lab-box\nssh: box\nwire: interface eth1\n"
        "addresses: {ipv4: {target: 192.0.2.2, tester: 192.0.2.9}}\n"
    )
    status, told = pair.play("--own-network", "smoke", target=str(file))
    assert sound(status, told), told
    assert "smoke/handshake::lab-box-ipv4" in told
    status, told = pair.conformance("target", "check", "--own-network", str(file))
    assert status == 2, told
    assert "there is nothing to check but the link: conformance run --target" in told


def test_what_an_earlier_run_left_does_no_harm(pair: Pair) -> None:
    """A connection that nobody ends is reset when it speaks; the next run is not disturbed."""
    case = ["-k", "fin-never-acknowledged or simultaneous-close-data"]
    for _ in range(2):
        status, told = pair.play(*LINK, *BOTH[:4], *case)
        assert sound(status, told), told


CHATTER = """
import socket, sys
other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
refused = False
while not refused:
    other.sendto(b"not for the tester", ("192.0.2.7", 9))
    with socket.socket() as sock:
        sock.settimeout(0.02)
        try:
            sock.connect(("192.0.2.1", 9))
        except ConnectionRefusedError:
            refused = True
        except OSError:
            pass
print("refused", flush=True)
while True:
    other.sendto(b"not for the tester", ("192.0.2.7", 9))
"""


def test_what_else_the_host_does_is_no_matter(pair: Pair) -> None:
    """It talks to another host, and to a port of the tester that no case has: that is reset."""
    neighbour = ["192.0.2.7", "lladdr", "02:00:00:00:00:07", "dev", "eth1"]
    run(*pair.at_target("ip", "neigh", "replace", *neighbour))
    words = pair.at_target(sys.executable, "-c", CHATTER)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as chatter:
        try:
            status, told = pair.play(*LINK, *BOTH[:4], "smoke")
        finally:
            chatter.kill()
        assert chatter.stdout is not None
        assert sound(status, told), told
        assert chatter.stdout.read() == "refused\n"


# ---- it cannot -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "words", "status", "sentence"),
    [
        ("ssh:box", [*LINK[:2], *BOTH[:4]], 2, "--own-network says that it may be used"),
        ("ssh:stranger", [*LINK, *BOTH[:4]], 3, "ssh cannot log in there (Host key verification"),
        ("ssh:nobody", [*LINK, *BOTH[:4]], 3, "ssh cannot log in there (root@198.51.100.2: Perm"),
        ("ssh:box", [*LINK, "--address", "192.0.2.3", *BOTH[2:4]], 3, "nobody on eth1 has"),
        ("ssh:box", [*LINK, *BOTH[:2], "--tester-address", "192.0.2.2"], 2, "are both 192.0.2.2"),
        ("ssh:box", ["--interface", "eth7", "--own-network", *BOTH[:4]], 2, "No such device"),
        ("ssh:box", ["--interface", "lo", "--own-network", *BOTH[:4]], 3, "nobody on lo has"),
        ("ssh:box", OTHER, 2, "198.51.100.1 is an address of this machine"),
    ],
)  # fmt: skip
def test_one_sentence(
    pair: Pair, target: str, words: list[str], status: int, sentence: str
) -> None:
    found, told = pair.play(*words, "smoke", target=target)
    assert (found, sentence in told) == (status, True), told
    assert "Traceback" not in told
    assert told.count("\n") == 1


def test_a_tester_address_that_is_somebodys_is_refused(pair: Pair) -> None:
    taken = ["ip", "addr", "add", "192.0.2.1/24", "dev", "eth1"]
    run(*pair.at_target(*taken))
    try:
        status, told = pair.play(*LINK, *BOTH[:4], "smoke")
    finally:
        run(*pair.at_target("ip", "addr", "del", *taken[3:]))
    assert (status, "192.0.2.1 is in use on eth1" in told) == (2, True), told


def test_a_host_without_python(pair: Pair) -> None:
    """The host's shell looks for python3 in a path where there is none."""
    wrapper = pair.place / "bin" / "ssh"
    before = wrapper.read_text()
    wrapper.write_text(
        "#!/bin/sh\n"
        "for last; do :; done\n"
        f'exec {shutil.which("ssh")} -F {pair.place}/ssh box "PATH=/nowhere; $last"\n'
    )
    try:
        status, told = pair.play(*LINK, *BOTH[:4], "smoke")
    finally:
        wrapper.write_text(before)
    assert status == 3
    assert "there is no python3 on the host" in told


def test_a_killed_harness_leaves_no_agent(pair: Pair) -> None:
    words = [sys.executable, "-m", "conformance.cli", "run", "--target", "ssh:box", "--json"]
    with subprocess.Popen(
        pair.at_tester(*words, *LINK, *BOTH[:4], "rfc9293"),
        cwd=ROOT,
        env=pair.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()  # a case was played
        (agent,) = agents(pair)
        handle = os.pidfd_open(agent)
        process.kill()
    try:
        assert select.select([handle], [], [], BOUND)[0]
    finally:
        os.close(handle)
