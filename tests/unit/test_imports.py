"""What a command imports: what is read and not played takes neither scapy nor pyroute2."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASE = "cases/smoke/handshake.yaml"
HEAVY = ("scapy", "pyroute2", "rich", "pytest", "asyncio")
SIGNS = ("hashlib", "hmac")  # OpenSSL
PLAYS = ("conformance.reference.machine", "conformance.play.conversation", "conformance.steps")


def imported(*words: str) -> tuple[int, set[str]]:
    """The exit status of a command, and the names of all that it imported, which is not measured:
    coverage would import more.
    """
    code = (
        "import sys; from conformance.cli import main; status = main(sys.argv[1:]); "
        "sys.stderr.write('\\n' + ' '.join(sys.modules)); sys.exit(status)"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        check=False,
    )
    return done.returncode, set(done.stderr.splitlines()[-1].split())


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from conformance.cli import main; status = main(['--help']); "
        "heavy = {'yaml', 'scapy', 'rich', 'pytest', 'pyroute2', 'conformance.case'}; "
        "sys.exit(repr(heavy & set(sys.modules)) if heavy & set(sys.modules) else status)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "words", [("check", CASE), ("show", CASE), ("fmt", "--check", CASE)], ids=lambda words: words[0]
)
def test_who_reads_cases_imports_nothing_that_plays(words: tuple[str, ...]) -> None:
    status, names = imported(*words)
    assert status == 0
    assert not names & {*HEAVY, *PLAYS, *SIGNS, "conformance.live"}


@pytest.mark.parametrize("target", ["linux", "reference"])
def test_list_asks_a_target_what_it_can_and_builds_no_frame(target: str) -> None:
    status, names = imported("list", "--target", target, CASE)
    assert status in (0, 3)  # 3: no namespaces here
    assert not names & set(HEAVY)


def test_a_live_run_reads_no_routes_and_knows_no_other_protocols() -> None:
    status, names = imported("run", "--ip", "4", CASE)
    if status == 3:
        pytest.skip("no network namespaces can be had here")
    assert status == 0
    assert "scapy.packet" in names
    assert not names & {"pyroute2", "asyncio", "scapy.route", "scapy.route6", "scapy.arch"}


def test_a_live_run_that_passes_draws_nothing_signs_nothing_and_knows_no_other_kernel() -> None:
    status, names = imported("run", "--ip", "4", CASE)
    if status == 3:
        pytest.skip("no network namespaces can be had here")
    assert status == 0
    assert "conformance.live.kernel.lab" in names
    assert not names & {"conformance.report.failure", "conformance.report.ladder", "hmac"}
    assert not names & {"conformance.kernel.words", "conformance.kernel.guest"}
    assert not names & {"conformance.agent.agent", "conformance.live.workers.netns_server"}


def test_what_makes_namespaces_makes_no_classes_of_fields() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
    code += "import conformance.live.workers.netns_server; print(*sys.modules)"
    told = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "conformance.agent.agent" in told
    assert not set(told) & {"dataclasses", "inspect", *HEAVY}
