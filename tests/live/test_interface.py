"""A host behind an interface of this machine: at any Ethernet address, its checksums not filled in.

Two namespaces, a veth pair, and the kernel of the other one with a server that reads and forgets.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from test_ssh import BOUND, ROOT, _holder, run

MAC = "52:54:00:ab:cd:ef"
DISCARD = """
import socket
server = socket.create_server(("::", 9), family=socket.AF_INET6, dualstack_ipv6=True)
print("up", flush=True)
while True:
    with server.accept()[0] as talk:
        try:
            while talk.recv(65536):
                pass
        except OSError:
            pass
"""
FILE = "target: box\nwire: interface near0\ncontrol: none\nabilities: [IPV6]\nprofile: {msl: 30s}\n"


@dataclass
class Box:
    """The two namespaces, each by a process in it."""

    here: int
    there: int

    def conformance(self, *words: str) -> tuple[int, str]:
        """Exit status and all that was said of a command in ours."""
        done = subprocess.run(
            [*inside(self.here), sys.executable, "-m", "conformance.cli", *words],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=BOUND,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr


def inside(pid: int) -> list[str]:
    return ["nsenter", "-t", str(pid), "-n"]


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    if os.geteuid() != 0:
        pytest.skip("two namespaces with a kernel in each need root")
    for program in ("ip", "nsenter", "unshare"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not there: apt-get install iproute2 util-linux")
    with ExitStack() as stack:
        here, there = (stack.enter_context(_holder("--net")) for _ in range(2))
        near, far = ([*inside(pid), "ip"] for pid in (here, there))
        run(*near, *f"link add near0 type veth peer name far0 netns {there}".split())
        run(*far, *f"link set far0 address {MAC} up".split())
        run(*near, "link", "set", "near0", "up")
        for address in ("192.0.2.2/24", "2001:db8::2/64"):
            run(*far, *f"addr add {address} dev far0 nodad".split())
        words = [*inside(there), sys.executable, "-c", DISCARD]
        server = stack.enter_context(subprocess.Popen(words, stdout=subprocess.PIPE, text=True))
        stack.callback(server.kill)
        assert server.stdout is not None
        assert server.stdout.readline() == "up\n"
        yield Box(here, there)


def written(place: Path, more: str = "") -> str:
    file = place / "box.yaml"
    file.write_text(FILE + more)
    return str(file)


def test_a_host_is_found_wherever_it_is_and_its_checksums_are_filled_in(
    box: Box, tmp_path: Path
) -> None:
    words = ["--own-network", "-k", "smoke or 3.8-data/overlap"]
    status, told = box.conformance("run", "--target", written(tmp_path), *words)
    assert status == 0, told
    for version in (4, 6):
        assert f"smoke/handshake::box-ipv{version}" in told
    assert "rfc9293/3.8-data/overlap" in told


def test_the_check_says_what_it_filled_in(box: Box, tmp_path: Path) -> None:
    _, told = box.conformance("target", "check", "--own-network", written(tmp_path))
    assert "it answers ARP" in told
    assert "were left to hardware, and are filled in here" in told


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("addresses: {ipv4: {target: 192.0.2.77}}\n", "nobody on near0 has the address 192.0.2.77"),
        ("addresses: {ipv4: {target: 192.0.2.3, tester: 192.0.2.2}}\n", "192.0.2.2 is in use on"),
    ],
)
def test_an_address_that_is_nobodys_or_somebodys(
    box: Box, tmp_path: Path, more: str, sentence: str
) -> None:
    target = written(tmp_path, more)
    status, told = box.conformance("run", "--target", target, "--own-network", "smoke")
    assert status in (2, 3)
    assert sentence in told


def test_another_address_that_is_written_is_believed(box: Box, tmp_path: Path) -> None:
    """A stack need not answer for its address; the one that is named here is nobody's."""
    written_so = "{target-mac: '52:54:00:00:00:01'}"
    mac = f"addresses: {{ipv4: {written_so}, ipv6: {written_so}}}\n"
    words = ["--own-network", "--ip", "4", "smoke/handshake"]
    status, told = box.conformance("run", "--target", written(tmp_path, mac), *words)
    assert status != 0
    assert "it does not answer for its address" in told
