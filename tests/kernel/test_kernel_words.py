"""The words on a guest's command line: always the same, and what a user may append to them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.errors import CaseError
from conformance.kernel import guest, store, words
from conformance.targets.kinds.kernel import KernelTarget

ROOT = Path(__file__).parents[2]
OURS = [
    "mem=1G", "time-travel=ext:/x", "time-travel-start=1", "clocksource=jiffies", "uml_dir=/tmp",
    "umid=x", "init=/bin/sh", "rdinit=/bin/sh", "initrd=/x", "root=/dev/ubda", "rootflags=/tmp",
    "rw", "ubd0=/x", "con=fd:0", "con1=null", "con12=pts", "ssl0=null", "console=tty1",
    "random.trust_cpu=off", "random.trust-cpu=off", "panic=5", "noreboot", "quiet", "loglevel=3",
    "--version", "--help", "--", "stderr=1", '"con1"=null', "hostfs=/tmp",
]  # fmt: skip


@pytest.mark.parametrize("word", OURS)
def test_what_is_the_harness_s_own_cannot_be_appended(word: str) -> None:
    with pytest.raises(CaseError, match="cannot be appended: "):
        words.appended([f"ipv6.disable=1 {word}"])


def test_each_word_of_ours_is_among_them(tmp_path: Path) -> None:
    kernel = store.BuiltKernel("k", tmp_path / "linux", {"seccomp": True})
    *line, _, _, _, _ = words.command_line(kernel, 512, 0)[1:]
    for word in line:
        with pytest.raises(CaseError, match="cannot be appended: "):
            words.appended([word])


@pytest.mark.parametrize("text", ["a=é", "a=\n", 'a="', "a=\x00", "x" * 2100])
def test_what_no_command_line_can_hold_is_refused(text: str) -> None:
    with pytest.raises(CaseError, match="a kernel takes no"):
        words.appended([text])


def test_a_text_may_hold_several_and_quotes_keep_blanks_together() -> None:
    assert words.appended(['a=1  b="2 3"', 'c="4"5 d']) == ("a=1", 'b="2 3"', 'c="4"5', "d")


def test_one_line_whoever_starts_it(tmp_path: Path) -> None:
    one, other = (store.BuiltKernel(name, tmp_path / name, {}) for name in ("a", "b" * 99))
    assert words.command_line(one, 512, words.pinned()) == words.command_line(
        other, 512, words.pinned()
    )
    lengths = {len(words.command_line(one, 512, at)[3]) for at in (0, words.pinned())}
    assert len(lengths) == 1


def test_a_parameter_comes_to_the_kernel(
    kernel: store.BuiltKernel, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    line = ["kernel", "exec", kernel.name, "--append", "sysctl.net.ipv4.tcp_fin_timeout=7"]
    assert main([*line, "--", "cat", "/proc/sys/net/ipv4/tcp_fin_timeout"]) == 0
    assert capfdbinary.readouterr().out == b"7\n"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("nosuch=1", "it does not know nosuch=1"),
        ("nosuch", "it does not know nosuch"),
        ('nosuch="a b"', 'it does not know nosuch="a b"'),
        ("tcp_cubic.hystrat=0", "it does not know tcp_cubic.hystrat=0"),
        ("tcp_cubic.hystart=x", "tcp_cubic.hystart does not take x"),
        ("initcall_debug=x", "initcall_debug does not take x"),
        ("sysctl.net.ipv4.nosuch=1", "it does not set net.ipv4.nosuch=1: parameter not found"),
    ],
)
def test_what_the_kernel_does_not_take_is_said_and_nothing_is_run(
    kernel: store.BuiltKernel, word: str, reason: str
) -> None:
    out = bytearray()
    command = guest.GuestCommand(
        ["sh", "-c", "sleep 1; echo run"],
        bounds=guest.GuestBounds(wall=60.0), append=words.appended([word]), out=out.extend,
    )  # fmt: skip
    with pytest.raises(CaseError) as caught:
        guest.run(kernel, command)
    assert str(caught.value) == f"the kernel refuses what is appended: {reason}"
    assert not out


def test_module_parameters_may_be_spelled_with_dashes(kernel: store.BuiltKernel) -> None:
    for word in ("tcp_cubic.hystart=0", "tcp-cubic.hystart=0"):
        words.check(kernel, [word])


def test_a_console_takes_what_is_a_console_and_no_more(kernel: store.BuiltKernel) -> None:
    if "arch/um/drivers/stdio_console.c" not in kernel.facts["edits"]:
        pytest.skip("this kernel was built by an earlier version")
    message = "it does not know consolation=1"
    with pytest.raises(CaseError, match=message):
        guest.run(kernel, guest.GuestCommand(["true"], append=("consolation=1",)))
    assert (
        guest.run(kernel, guest.GuestCommand(["true"], append=("console_msg_format=syslog",))) == 0
    )


def test_a_kernel_whose_console_takes_all_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "linux").touch()
    kernel = store.BuiltKernel("old", tmp_path / "linux", {"edits": ["arch/um/Kconfig"]})
    with pytest.raises(CaseError, match="cannot be appended to old, whose console takes"):
        words.check(kernel, ["conf=1"])


def test_a_target_and_its_records_have_it(kernel: store.BuiltKernel) -> None:
    with KernelTarget(kernel.name, append=["tcp_cubic.hystart=0"]) as target:
        assert target.profile.facts["append"] == "tcp_cubic.hystart=0"


@pytest.mark.parametrize("option", ["--append=a.b=1", "--console=x"])
def test_other_targets_have_no_use_for_it(
    option: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--target", "reference", option]) == 2
    name = option.partition("=")[0]
    said = f"conformance: {name} is for kernels in virtual time, and none is named\n"
    assert capsys.readouterr().err == said
    assert list(tmp_path.iterdir()) == []


def test_what_the_kernel_says_is_kept(kernel: store.BuiltKernel, tmp_path: Path) -> None:
    console = tmp_path / "console"
    command = ["sh", "-c", "echo words of mine > /dev/kmsg; printf unended > /dev/kmsg"]
    assert main(["kernel", "exec", kernel.name, "--console", str(console), "--", *command]) == 0
    lines = console.read_text().splitlines()
    assert any(line.startswith("Linux version ") for line in lines)
    assert "words of mine" in lines
    assert "unended" in lines
    assert not any("\r" in line for line in lines)


def test_each_guest_of_a_run_is_told_apart(kernel: store.BuiltKernel, tmp_path: Path) -> None:
    console = tmp_path / "console"
    words = ["run", "--kernel", kernel.name, "--console", str(console), "rfc9293/3.6-close"]
    assert main(words) == 0
    lines = console.read_text().splitlines()
    heads = {line.split(": ")[0] for line in lines}
    assert heads == {f"{kernel.target} {n}" for n in range(1, len(heads) + 1)}
    starts = [line for line in lines if ": Linux version " in line]
    assert len(starts) == len(heads)


@pytest.mark.parametrize(
    ("place", "reason"), [("/", "is a directory"), ("nowhere/x", "no such file or directory")]
)
def test_a_console_that_cannot_be_written(
    place: str, reason: str, kernel: store.BuiltKernel, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in (["kernel", "exec", kernel.name, "true"], ["run", "--kernel", kernel.name]):
        assert main([*line, "--console", place]) == 2
        said = capsys.readouterr().err
        assert said == f"conformance: --console {place} cannot be written: {reason}\n"


def test_a_full_disk_is_one_sentence(kernel: store.BuiltKernel) -> None:
    line = ["kernel", "exec", kernel.name, "--console", "/dev/full", "true"]
    done = subprocess.run(
        [sys.executable, "-m", "conformance.cli", *line],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    said = "conformance: /dev/full cannot be written: no space left on device\n"
    assert (done.returncode, done.stderr) == (3, said)
