"""Where a kernel's source comes from, and a private copy of it that may be changed.

Rules:

- A version is the distribution's package, /usr/src/linux-source-X.tar.xz; nothing is downloaded.
- What is given is never changed: a tarball is unpacked, a tree copied, to a place of our own.
  Uncommitted changes of a tree come along; what was built in it does not.
- Of the drivers only what can be needed is unpacked: user-mode Linux has no hardware. That is a
  third of the time and of the room. The Kconfig files are all there, they include each other.
"""

from __future__ import annotations

import errno
import fnmatch
import functools
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance import files, processes
from conformance.errors import CaseError, EnvironmentProblem

PACKAGES: Final = Path("/usr/src")
_NO_ROOM: Final = 1 << 20  # octets

_NO_CODE: Final = (
    "accel", "ata", "block", "bluetooth", "bus", "clk", "comedi", "crypto", "cxl", "dma", "edac",
    "firmware", "fpga", "gpu", "hid", "hwmon", "i2c", "i3c", "iio", "infiniband", "input",
    "interconnect", "isdn", "leds", "md", "media", "mfd", "misc", "mmc", "mtd", "net/can",
    "net/dsa", "net/ethernet", "net/phy", "net/usb", "net/wan", "net/wireless", "nfc", "nvme",
    "parport", "pci", "phy", "pinctrl", "platform", "power", "regulator", "remoteproc", "scsi",
    "soc", "soundwire", "spi", "staging", "target", "thermal", "thunderbolt", "usb", "video",
    "vfio",
)  # fmt: skip
_ARCHS: Final = (
    "alpha", "arc", "arm", "arm64", "csky", "hexagon", "ia64", "loongarch", "m68k", "microblaze",
    "mips", "nios2", "openrisc", "parisc", "powerpc", "riscv", "s390", "sh", "sparc", "xtensa",
)  # fmt: skip
_UNPACKING: Final = 1800.0  # seconds for tar; it takes twenty
_LEFT_OUT: Final = (
    *(f"*/drivers/{name}/*.[chS]" for name in _NO_CODE),
    *(f"*/arch/{name}/*.[chS]" for name in _ARCHS),
    *("*/Documentation/*/*", "*/tools/testing/*", "*/tools/perf/*", "*/sound/*.[chS]", "*.dts*"),
    *("*/samples/*.[chS]",),
)
_BUILT: Final = (
    "*.o", "*.ko", "*.a", "*.cmd", "*/.git", "./vmlinux", "./vmlinux.*", "./linux", "./.config*",
    "./include/config", "./include/generated", "./arch/*/include/generated", "./.tmp*",
)  # fmt: skip
_BUILT_NAME: Final = re.compile("|".join(map(fnmatch.translate, _BUILT)))  # * is / too, as to tar
_LEFT_OUT_NAME: Final = re.compile("|".join(map(fnmatch.translate, _LEFT_OUT)))


@dataclass(frozen=True, slots=True)
class Source:
    """Where it is, and whether it is a tree or must be unpacked."""

    place: Path
    is_tree: bool

    @staticmethod
    def of(argument: str) -> Source:
        """What a VERSION, TARBALL or TREE on the command line means."""
        place = Path(argument)
        if files.is_directory(place):
            if not _is_tree(place):
                raise CaseError(f"{argument} is no Linux source tree: it has no arch/um/Makefile")
            return Source(place, is_tree=True)
        if files.is_file(place):
            return Source(place, is_tree=False)
        if re.fullmatch(r"\d+\.\d+", argument):
            package = PACKAGES / f"linux-source-{argument}.tar.xz"
            if files.is_file(package):
                return Source(package, is_tree=False)
            raise EnvironmentProblem(
                f"The source of Linux {argument} is not installed: "
                f"apt-get install linux-source-{argument}, or name a tarball or a tree."
            )
        if re.fullmatch(r"\d+\.\d+[.\-]\S+", argument):
            short = ".".join(argument.split(".")[:2]).partition("-")[0]
            raise CaseError(
                f"no source of Linux {argument}: a package has a version of two numbers, as "
                f"{short}; any other is built from its tarball or tree"
            )
        raise CaseError(f"no version, tarball or source tree {argument!r}")

    def fill(self, folder: Path) -> None:
        """Have a copy of the source in this directory, which is there and empty.

        Raises CaseError for what is no source, OSError where there is no room for it.
        """
        if self.is_tree:
            self._copy(folder)
        else:
            self._unpack(folder)
        if not _is_tree(folder):
            raise CaseError(f"{self.place} is no Linux source: it has no arch/um/Makefile")

    def _unpack(self, folder: Path) -> None:
        """By tar: Python's own is three times slower."""
        try:
            with tarfile.open(self.place) as archive:
                first = archive.next()
        except (tarfile.TarError, OSError, EOFError) as error:
            if isinstance(error, OSError) and error.strerror:
                raise CaseError(f"{self.place} cannot be read: {error.strerror}") from None
            # What tarfile says is a line for each compression that it has tried.
            raise CaseError(f"{self.place} is no tarball, or what is left of one") from None
        if first is None:
            raise CaseError(f"{self.place} is no Linux source: it is empty")
        line = ["tar", "-x", "-f", str(self.place), "-C", str(folder), "--strip-components=1"]
        _tar([*line, *(f"--exclude={one}" for one in _LEFT_OUT)], None, self.place, folder)

    def _copy(self, folder: Path) -> None:
        patterns = [f"--exclude={one}" for one in (*_LEFT_OUT, *_BUILT)]
        with subprocess.Popen(
            ["tar", "-c", "-C", str(self.place), *patterns, "."],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as packer:
            assert packer.stdout is not None
            line = ["tar", "-x", "-C", str(folder)]
            try:
                _tar(line, packer.stdout.fileno(), self.place, folder)
            finally:
                packer.kill()  # it has ended, unless it hangs


def listed(tree: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Each file of a tree that a copy of it has, without the first ``./``."""
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(tree / folder) as entries:
            for entry in entries:
                name = folder + entry.name
                if _BUILT_NAME.fullmatch(f"./{name}"):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{name}/")
                elif not _is_left_out(folder, os.path.splitext(entry.name)[1]):
                    yield name, entry.stat(follow_symlinks=False)


@functools.cache
def _is_left_out(folder: str, ending: str) -> bool:
    """Whether a file there is; of its name only the ending matters."""
    return _LEFT_OUT_NAME.fullmatch(f"./{folder}x{ending}") is not None


def _tar(line: list[str], stdin: int | None, place: Path, folder: Path) -> None:
    try:
        done = processes.run(
            line,
            _UNPACKING,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stderr=subprocess.PIPE,
        )
    except subprocess.TimeoutExpired:
        raise CaseError(f"{place} cannot be unpacked within {_UNPACKING:g} s") from None
    if done.returncode:
        if shutil.disk_usage(folder).free < _NO_ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
        words = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise CaseError(f"{place} cannot be unpacked: {words[0].rstrip('.')}")


def _is_tree(folder: Path) -> bool:
    return (folder / "arch/um/Makefile").is_file() and (folder / "net/ipv4/tcp.c").is_file()
