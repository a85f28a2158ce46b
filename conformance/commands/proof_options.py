"""The options of ``mutate`` and ``coverage``: what proves that the cases see something."""

from __future__ import annotations

from argparse import ArgumentParser

from conformance.commands.run_options import count


def mutate_arguments(parser: ArgumentParser) -> None:
    """Wrong or legal TCPs by name, or the answers of some cases."""
    parser.add_argument("faults", metavar="NAME", nargs="*", help="TCPs by name; all if none")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--legal", action="store_true", help="legal TCPs instead: which cases are unfair to them?"
    )
    what.add_argument(
        "--changes",
        metavar="N",
        type=count,
        default=0,
        help="one in N of all small changes of the reference: wrong TCPs that nobody chose",
    )
    what.add_argument(
        "--answers", metavar="PATH", nargs="+", help="spoil each answer in these cases instead"
    )
    parser.add_argument("--list", action="store_true", help="what wrong, or legal, TCPs there are")
    parser.add_argument(
        "--cases", metavar="PATH", nargs="+", default=[], help="what is played on them (the set)"
    )
    parser.add_argument("--json", action="store_true", help="JSON lines on the standard output")


def coverage_arguments(parser: ArgumentParser) -> None:
    """Which cases, played where, told how."""
    parser.add_argument("paths", metavar="PATH", nargs="*", help="cases; all if none")
    parser.add_argument(
        "--target", metavar="NAME", default="", help="play them there, and say how they ended"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument(
        "--check", metavar="FILE", default="", help="print nothing; 2 if this snapshot is stale"
    )
