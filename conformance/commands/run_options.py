"""The options of ``run`` and ``list``."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Final

from conformance.commands.kernel_options import OPTIONS as KERNEL_OPTIONS
from conformance.commands.kernel_options import SURROUNDINGS
from conformance.commands.reports import REPORTS

_LEVEL: Final = (
    "only cases that verify a requirement of this level: MUST (and MUST NOT), SHOULD (and SHOULD"
    " NOT, RECOMMENDED), MAY, event (a cell of RFC 9293 3.10), text (without a keyword)"
)


def selection(parser: ArgumentParser) -> None:
    """Which cases, on which targets."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH[::id]",
        help="files, directories, ids (default: the cases that came with the package)",
    )
    parser.add_argument(
        "--target",
        metavar="T[,T]",
        default="",
        help="linux (default), reference, a name of target list, or a target file",
    )
    parser.add_argument(
        "--kernel", metavar="V[,V]", action="append", default=[],
        help="Linux of this version, in virtual time (see the command kernel); host: the running",
    )  # fmt: skip
    parser.add_argument(
        "--ip", metavar="4,6", default="", help="IP versions (default: those the target has)"
    )
    parser.add_argument(
        "--isn", metavar="N[,N]", default="",
        help="the tester's ISN: wrap (2^32 and 2^31 fall into the text), syn (behind the SYN), N",
    )  # fmt: skip
    parser.add_argument(
        "-k", dest="keyword", metavar="EXPR", default="", help="parts of ids with and, or, not, ()"
    )
    parser.add_argument(
        "--requirement",
        metavar="ID",
        default="",
        help="only cases that verify it, or its first words",
    )
    parser.add_argument("--level", metavar="L[,L]", default="", help=_LEVEL)
    parser.add_argument(
        "--slow", action="store_true", help="also cases of more than 10 s on this target"
    )
    name, attributes = SURROUNDINGS
    parser.add_argument(f"--{name}", **attributes)
    parser.add_argument("--json", action="store_true", help="JSON on the standard output")


def run_arguments(parser: ArgumentParser) -> None:
    """The same, how they are played, and what is written."""
    selection(parser)
    parser.add_argument(
        "-j", dest="at_once", metavar="N", type=count, help="cases at once (default: as it can)"
    )
    parser.add_argument(
        "--seed", metavar="N", type=int, help="pin what is random, where a target can: kernels"
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit status 1 too where a SHOULD is set aside"
    )
    for name, attributes in KERNEL_OPTIONS:
        parser.add_argument(f"--{name}", **attributes)
    parser.add_argument(
        "--code-coverage", metavar="DIR",
        help="write what ran of a kernel's TCP; it is built with kernel build --coverage",
    )  # fmt: skip
    parser.add_argument(
        "--of",
        metavar="PATCH",
        help="with --code-coverage: which lines of this patch ran, and by which cases",
    )
    _written(parser)
    parser.add_argument(
        "--own-network",
        action="store_true",
        help="frames may leave by the interface that a target file or --interface names",
    )
    parser.add_argument(
        "--interface", metavar="NAME", default="", help="the link shared with --target ssh:HOST"
    )
    parser.add_argument(
        "--address", metavar="A", action="append", default=[],
        help="what ssh:HOST has on it; once for each IP version",
    )  # fmt: skip
    parser.add_argument(
        "--tester-address", metavar="A", action="append", default=[],
        help="what nobody has on it, for the harness; once for each IP version",
    )  # fmt: skip


def _written(parser: ArgumentParser) -> None:
    parser.add_argument("--record", metavar="FILE", help="write each run, for replay")
    parser.add_argument("--pcap", metavar="DIR", help="write a capture of each case")
    parser.add_argument("--html", metavar="DIR", help="write a site of the run, see report")
    for report in REPORTS:
        parser.add_argument(f"--{report.name}", metavar="FILE", help=report.doc)


def count(text: str) -> int:
    """A number from 1 on."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 1_000_000:
        raise ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)
