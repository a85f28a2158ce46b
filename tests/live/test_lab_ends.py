"""However a run ends, nothing of it is left: no process, no namespace, no tracing instance."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from test_lab_support import BOUND, Hand, open_source, opened

from conformance.errors import TargetError
from conformance.live.kernel.lab import KernelLabs
from conformance.play.events import Lost
from conformance.processes import children

ROOT = Path(__file__).parents[2]
NOBODY = 65534

# A harness of its own: it opens labs, says so, and waits to be killed.
HARNESS = """
import sys
from conformance.errors import EnvironmentProblem
from conformance.live.kernel.lab import KernelLabs
try:
    source = KernelLabs()
    source.prepare(4)
    labs = [source.open(ip=4, sysctls={}, tester_port_base=64 * (300 + i)) for i in range(3)]
except EnvironmentProblem as problem:
    print("no:", problem, flush=True)
    sys.exit()
labs[0].call(1, "listen", {"port": 4000})
traced = "sock" in source.facts["tracefs"]
print("up", source.facts["privilege"], "traced" if traced else "", flush=True)
sys.stdin.read()
source.close()
"""


@pytest.fixture(scope="module")
def source() -> Iterator[KernelLabs]:
    yield from open_source()


@contextlib.contextmanager
def harness(uid: int | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A harness process and the line that it said."""
    # Of root's powers nobody keeps reading alone, because the interpreter may be in root's home.
    reading = "+dac_read_search"
    drop = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    drop += [f"--inh-caps={reading}", f"--ambient-caps={reading}"]
    process = subprocess.Popen(
        [*(drop if uid is not None else []), sys.executable, "-c", HARNESS],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield process, line
        finally:
            process.kill()


def descendants(pid: int) -> set[int]:
    """Every process below this one."""
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found |= {int(child)} | descendants(int(child))
    return found


def namespaces(pids: set[int]) -> set[str]:
    """The network namespaces of those of these processes that still run."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/{pid}/ns/net"))
    return found


def existing() -> set[str]:
    """The network namespaces of all processes."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/ns/net"):
        with contextlib.suppress(OSError):
            found.add(os.readlink(path))
    return found


def agent_of(hand: Hand) -> int:
    """The process that makes this lab's calls: the one that made its stream."""
    with socket.socket(fileno=os.dup(hand.lab.filenos()[1])) as stream:
        credentials = stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int(struct.unpack("3i", credentials)[0])


def left(pid: int, places: set[str]) -> bool:
    """Whether the process is in none of these namespaces any more."""
    return not namespaces({pid}) & places


def runs(pid: int) -> bool:
    """Whether the process runs; one that only its adoptive parent has not collected does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


LIST = "mount -t tracefs nodev /sys/kernel/tracing 2>/dev/null; ls /sys/kernel/tracing/instances"


def instances() -> set[str]:
    """The tracing instances of this machine, wherever tracefs is mounted; none if nobody sees."""
    looked = subprocess.run(
        ["unshare", "-m", "sh", "-c", LIST], capture_output=True, text=True, check=False
    )
    return {name for name in looked.stdout.split() if name.startswith("conformance-")}


def instances_of(pid: int) -> set[str]:
    """Those that this process reads."""
    links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    return {name for link in links for name in link.split("/") if name.startswith("conformance-")}


def soon(fact: Callable[[], bool]) -> bool:
    """Whether the fact comes true within the bound."""
    deadline = time.monotonic() + BOUND
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.parametrize("way", ["kill", "end", "server", "server first", "both"])
@pytest.mark.parametrize("uid", [None, NOBODY])
def test_nothing_is_left_of_a_harness(way: str, uid: int | None) -> None:
    """Whether it ends, or is killed, or its netns server is, or both: another's things stay."""
    if uid is not None and os.geteuid() != 0:
        pytest.skip("only root can become nobody")
    ours = {os.readlink("/proc/self/ns/net")}
    with harness(uid) as (process, line):
        if line.startswith("no:"):
            pytest.skip(line)
        assert ("user namespace" in line) == (uid is not None or os.geteuid() != 0)
        # The netns server, three labs and one that nobody has taken yet: each in its own.
        assert soon(lambda: len(namespaces(descendants(process.pid)) - ours) == 5)
        below = descendants(process.pid)
        theirs = namespaces(below) - ours
        made = instances_of(process.pid)
        assert made <= instances()
        assert len(made) == int("traced" in line)
        (server,) = children(process.pid)
        if way in ("server", "server first", "both"):
            os.kill(server, signal.SIGKILL)
        if way in ("kill", "server first", "both"):
            if way == "server first":
                assert soon(lambda: not runs(server))
            process.kill()
        else:
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(BOUND) == 0
        assert soon(lambda: not any(runs(pid) for pid in below))
        assert soon(lambda: not theirs & existing())
        assert soon(lambda: not made & instances())


def test_the_instance_of_another_run_is_never_touched() -> None:
    """Not by one that begins, nor by one that is killed, old as it may look."""
    with harness() as (one, line):
        if "traced" not in line:
            pytest.skip(f"no run is traced here: {line}")
        mine = instances_of(one.pid)
        with harness() as (another, _):
            theirs = instances_of(another.pid)
            assert len(theirs) == 1
            another.kill()
            assert soon(lambda: not theirs & instances())
        assert instances() >= mine
        assert mine
        one.kill()
        assert soon(lambda: not mine & instances())


def test_namespaces_are_really_gone_not_only_unseen() -> None:
    """A user namespace that may hold few network namespaces holds run after run."""
    if os.geteuid() != 0:
        pytest.skip("a limit of its own needs root")
    limit = Path("/proc/sys/user/max_net_namespaces")
    code = (
        "import ctypes, subprocess, sys;"
        "ctypes.CDLL(None).unshare(0x10000000);"
        "open('/proc/self/setgroups','w').write('deny');"
        "open('/proc/self/uid_map','w').write('0 0 1');"
        f"open('{limit}','w').write('16');"
        f"harness = {HARNESS!r};"
        "runs = [subprocess.Popen([sys.executable, '-c', harness], stdin=subprocess.PIPE,"
        " stdout=subprocess.PIPE, text=True) for _ in range(1)];"
        "print(runs[0].stdout.readline().strip(), flush=True);"
        "runs[0].kill(); runs[0].wait();\n"
        "while True:\n"  # the kernel takes them down when it comes to it; the test has a timeout
        "    again = subprocess.Popen([sys.executable, '-c', harness], stdin=subprocess.PIPE,"
        " stdout=subprocess.PIPE, text=True)\n"
        "    told = again.stdout.readline().strip(); again.kill(); again.wait()\n"
        "    if told.startswith('up'): break\n"
        "print(told, flush=True)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=BOUND
    )
    lines = run.stdout.splitlines()
    assert [line[:2] for line in lines] == ["up", "up"], lines


def test_a_killed_agent_is_told(source: KernelLabs) -> None:
    with opened(source) as hand:
        with opened(source) as victim:
            victim.established()
            os.kill(agent_of(victim), signal.SIGKILL)
            assert "agent" in victim.until(Lost).reason
            assert [e for e in victim.lab.poll() if isinstance(e, Lost)] == []
            victim.start("socket")
            assert victim.lab.poll() == []
        assert hand.call("socket").errno == ""  # the others live on


def test_a_killed_agent_does_not_hang_a_sysctl(source: KernelLabs) -> None:
    with opened(source) as hand:
        os.kill(agent_of(hand), signal.SIGKILL)
        with pytest.raises(TargetError, match="agent"):
            hand.lab.set_sysctl("net.ipv4.tcp_sack", "0")


def test_an_agent_serves_one_case_after_another(source: KernelLabs) -> None:
    """In namespaces that are new each time, with nothing of what the case before left."""
    served: dict[int, set[int]] = {}
    seen = []
    for _ in range(10):
        with opened(source) as hand:
            agent = agent_of(hand)
            assert hand.call("sysctl", name="net.ipv4.tcp_sack").value == 1
            served.setdefault(agent, set()).add(len(os.listdir(f"/proc/{agent}/fd")))
            seen.append(os.readlink(f"/proc/{agent}/ns/net"))
            assert hand.call("getsockopt", socket=3, name="ERROR").errno == "EBADF"
            assert hand.lab.set_sysctl("net.ipv4.tcp_sack", "0") is None
            hand.established()
            assert hand.call("listen", port=4001).errno == ""
        assert soon(partial(left, agent, set(seen)))
    assert len(served) < len(seen)
    assert all(len(numbers) == 1 for numbers in served.values())


def test_a_killed_idle_agent_is_not_waited_for(source: KernelLabs) -> None:
    with opened(source) as hand:
        victim = agent_of(hand)
        own = namespaces({victim})
    assert soon(partial(left, victim, own))
    os.kill(victim, signal.SIGKILL)
    with opened(source) as hand:
        assert hand.call("socket").errno == ""
        assert agent_of(hand) != victim


def test_an_agent_with_a_close_that_lingers_is_not_used_again(source: KernelLabs) -> None:
    with opened(source) as hand:
        victim = agent_of(hand)
        handle = hand.established()
        assert hand.call("setsockopt", socket=handle, name="LINGER", value=60).errno == ""
        assert hand.call("send", socket=handle, count=1).errno == ""
        hand.start("close", socket=handle)
    assert soon(lambda: not runs(victim))


def test_two_hundred_labs_at_once(source: KernelLabs) -> None:
    source.prepare(200)
    with contextlib.ExitStack() as stack:
        hands = [stack.enter_context(opened(source)) for _ in range(200)]
        numbers = [hand.start("listen", port=4000) for hand in hands]
        for hand, number in zip(hands, numbers, strict=True):
            assert hand.returned(number).errno == ""
        assert len({hand.tester_port for hand in hands}) == 200


def test_labs_end_with_their_source() -> None:
    others = set(descendants(os.getpid()))  # of a source that other tests share
    own = open_source()
    source = next(own)
    with opened(source) as hand:
        (maker,) = [p for p in descendants(os.getpid()) if p not in others and descendants(p)]
        os.kill(maker, signal.SIGSTOP)
        source.prepare(1)  # an order that it never reads
        os.kill(maker, signal.SIGKILL)
        assert "agent" in hand.until(Lost).reason
        with pytest.raises(TargetError, match="has ended"), opened(source):
            pass
    source.close()
