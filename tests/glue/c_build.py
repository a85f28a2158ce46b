"""Compile a glue program in C or C++ once a session, with every warning an error.

Where the distribution has not the stack's library, the test is skipped and says which package it
is in.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from c_driver import Driver, Peer

from conformance.glue import __file__ as glue_module

GLUE = Path(glue_module).parent
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
CHECKED = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover"]
LOCAL, REMOTE = 5000, 40000  # the target's port, the tester's
NEEDS = {
    "lwip": (Path("/usr/include/lwip/lwip/tcp.h"), "liblwip-dev"),
    "slirp": (Path("/usr/include/slirp/libslirp.h"), "libslirp-dev"),
    "ns3": (Path("/usr/include/ns3/internet-module.h"), "libns3-dev"),
}
_made: dict[tuple[str, bool], Path] = {}


def program(name: str, folders: pytest.TempPathFactory, *, checked: bool = False) -> Path:
    """The program of this source; ``checked``: a fault of memory or arithmetic ends it."""
    compiler, brings = ("g++", "g++") if name == "ns3" else ("cc", "gcc")
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler}: install the package {brings}")
    header, package = NEEDS.get(name, (GLUE, ""))
    if not header.exists():
        pytest.skip(f"no {header}: install the package {package}")
    if (name, checked) not in _made:
        output = folders.mktemp("glue") / name
        source = [f"-I{GLUE}", "-o", str(output), str(_source(name))]
        flags = [*_library(name), *(CHECKED if checked else [])]
        subprocess.run([compiler, "-O1", *WARNINGS, *source, *flags], check=True)
        _made[name, checked] = output
    return _made[name, checked]


def _source(name: str) -> Path:
    own = Path(__file__).with_name(f"{name}.c")
    return own if own.exists() else next(GLUE.glob(f"{name}.c*"))


def _library(name: str) -> list[str]:
    if name == "lwip":
        return ["-I/usr/include/lwip", "-llwip"]
    if name == "ns3":
        return ["-Wno-missing-field-initializers", "-lns3-internet", "-lns3-network", "-lns3-core"]
    if name != "slirp":
        return []
    if not shutil.which("pkg-config"):
        pytest.skip("no pkg-config: install the package pkg-config")
    asked = ["pkg-config", "--cflags", "--libs", "slirp"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()


def accepted(driver: Driver, *, port: int = REMOTE) -> tuple[Peer, int]:
    """A connection that the tester opened, and its handle."""
    driver.listener = driver.listener or driver.call("listen", port=LOCAL)
    waiting = driver.waits("accept", socket=driver.listener)
    peer = Peer(driver, port, LOCAL)
    peer.send("S")
    peer.get("SA")
    assert driver.state(LOCAL, port) == "SYN-RECEIVED"
    peer.send("A")
    handle = driver.final(waiting)["value"]
    assert driver.state(LOCAL, port) == "ESTABLISHED"
    return peer, handle


def connected(driver: Driver, *, port: int = 7000) -> tuple[Peer, int]:
    """A connection that the target opened, and its handle."""
    waiting = driver.waits("connect", port=port, local_port=6000)
    peer = Peer(driver, port, 6000)
    peer.get("S")
    assert driver.state(6000, port) == "SYN-SENT"
    peer.send("SA")
    peer.get("A")
    return peer, driver.final(waiting)["value"]
