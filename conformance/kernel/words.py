"""The words on a guest's command line.

Rules:

- They are the same wherever and whenever the guest is started: a kernel stirs its command line
  into its random numbers. What differs from run to run is the working directory, the descriptors 0
  to 2 and the environment of its process, and is met by fixed names.
- What the user appends is refused here if it would take the place of one of ours, and by the
  guest's first process if the kernel does not know it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from conformance.errors import CaseError
from conformance.kernel.store import BuiltKernel

FOLDER: Final = "/proc/self/cwd"  # the run's own, on the host
ERR, OUT, LOG = 0, 1, 2  # the descriptors that a guest has; it reads none
START: Final = 3600  # seconds a guest has been up when its command begins
_EPOCH: Final = 1_767_225_600  # 2026-01-01: where a pinned clock starts
_CONSOLE: Final = "arch/um/drivers/stdio_console.c"  # is mended in the kernels built here
_LONGEST: Final = 2048  # octets, of the kernel's 4096

_OURS: Final = {  # by name; a - is a _ to a kernel
    **dict.fromkeys(("uml_dir", "umid", "init", "rdinit", "initrd", "dtb"),
                    "the guest begins with the harness's own first process"),
    **dict.fromkeys(("root", "rootfstype", "rootflags", "rootwait", "rootdelay", "ro", "rw",
                     "nfsroot", "ubd", "udb", "hostfs"), "the root is the host's file system"),
    **dict.fromkeys(("console", "con", "ssl", "fake_ide", "stderr", "tty_log_fd", "tty_log_dir"),
                    "the output of the command comes by the consoles"),
    **dict.fromkeys(("time_travel", "time_travel_start", "clocksource"),
                    "the guest's clock is the harness's"),
    **dict.fromkeys(("panic", "noreboot", "reboot"), "a guest that ends is not begun again"),
    **dict.fromkeys(("quiet", "loglevel"), "the harness reads what the kernel says"),
    **dict.fromkeys(("iomem", "random.trust_cpu", "seccomp", "mconsole"),
                    "the harness needs it as it is"),
    "mem": "a guest's memory is that of kernel exec --memory",
    "": "a word with dashes ends the kernel's own",
}  # fmt: skip
_CHANNEL: Final = re.compile(r"(con|ssl|ubd)\d.*")
_WORD: Final = re.compile(r"""(?:[^\s"]|"[^"]*")+""")

_REFUSED: Final = (
    (r"Failed to set sysctl parameter '(.*?)': (.*)", "it does not set {0}: {1}"),
    (r"Booting kernel: `(.*?)' invalid for parameter `(.*?)'", "{1} does not take {0}"),
    (r"Malformed early option '(.*?)'", "{0} does not take that"),
)  # fmt: skip


def command_line(
    kernel: BuiltKernel, memory: int, begins: int, append: Sequence[str] = ()
) -> list[str]:
    """The whole of it, for a guest whose command begins at this time, in nanoseconds of 1970."""
    words = [
        "linux",
        f"mem={memory}M",
        "time-travel=inf-cpu",
        f"time-travel-start={begins - START * 10**9:019d}",
        f"uml_dir={FOLDER}/",
        "umid=guest",
        "rootfstype=hostfs",
        "root=/dev/root",
        "rootflags=/",
        "ro",
        "con=null",
        f"con0=null,fd:{LOG}",
        f"con1=null,fd:{OUT}",
        f"con2=null,fd:{ERR}",
        "random.trust_cpu=on",
        "panic=-1",
        "noreboot",  # or a command that restarts the guest begins again for ever
    ]
    if kernel.facts.get("seccomp"):
        words.append("seccomp=auto")
    words += [f"init={FOLDER}/python", *append]
    return [*words, "--", "-I", "-S", f"{FOLDER}/init.py", str(START)]


def pinned() -> int:
    """When the command of a guest with a seed begins, in nanoseconds of 1970."""
    return _EPOCH * 10**9


def appended(texts: Sequence[str]) -> tuple[str, ...]:
    """The parameters in what was given with ``--append``; CaseError for what cannot be passed."""
    words: list[str] = []
    for text in texts:
        if not text.isascii() or not text.isprintable() or text.count('"') % 2:
            raise CaseError(
                f"a kernel takes no parameter {text!r}: it is printable ASCII, with an even "
                "number of quotes"
            )
        words += _WORD.findall(text)
    for word in words:
        name = word.lstrip("-").partition("=")[0].replace('"', "")
        reason = _OURS.get(name.replace("-", "_"))
        if channel := _CHANNEL.fullmatch(name):
            reason = _OURS[channel[1]]
        if word.startswith("-") and not reason:
            reason = _OURS[""]
        if reason:
            raise CaseError(f"{word} cannot be appended: {reason}")
    if sum(map(len, words)) + len(words) > _LONGEST:
        raise CaseError(f"a kernel takes no more than {_LONGEST} octets of parameters")
    return tuple(words)


def check(kernel: BuiltKernel, words: Sequence[str]) -> None:
    """Raise CaseError for a parameter that this kernel would pass over without a word.

    Its console may take whatever begins with con, and what has a dot is a module's, there or not.
    """
    code = kernel.binary.read_bytes() if any("." in word for word in words) else b""
    for word in words:
        name = word.partition("=")[0].replace('"', "")
        if "." in name and not name.startswith("sysctl.") and not _names(code, name):
            raise CaseError(f"the kernel refuses what is appended: it does not know {word}")
    mine = [word for word in words if word.startswith("con")]
    if mine and _CONSOLE not in kernel.facts.get("edits", ()):
        raise CaseError(
            f"{mine[0]} cannot be appended to {kernel.name}, whose console takes whatever begins "
            "with con: conformance kernel build makes one that does not"
        )


def _names(code: bytes, name: str) -> bool:
    """Whether a parameter of this name is among a kernel's strings; - and _ are one there."""
    spelled = re.sub(rb"[-_]", b"[-_]", re.escape(name.replace("-", "_").encode()))
    return re.search(rb"(?<![\w.-])" + spelled + rb"[=\0]", code) is not None


def refused(log: str, words: Sequence[str]) -> str:
    """What the kernel says of these parameters that it does not take; empty for nothing."""
    if found := re.search(r'Unknown kernel command line parameters "(.*?)", will be pass', log):
        for word in words:
            if f" {word} ".replace('"', "") in f" {found[1]} ":
                return f"it does not know {word}"
    for pattern, sentence in _REFUSED:
        if found := re.search(pattern, log):
            return sentence.format(*found.groups())
    return ""
