"""The command line: what the commands and their options are, and what ends a command.

Rules:

- Nothing but argparse is imported until a command runs: ``--help`` is read while one waits.
- What a command ends with is one of ``exits``.
- Every error has an owner and is one sentence on the standard error; a bug is two lines, and its
  traceback is in a file.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from conformance import __version__, exits
from conformance.commands import bug
from conformance.commands.output import note
from conformance.commands.parser import Parser, unknown
from conformance.commands.proof_options import coverage_arguments, mutate_arguments
from conformance.commands.reports import FORMS
from conformance.commands.run_options import count, run_arguments, selection
from conformance.commands.signals import ended_by_signals
from conformance.commands.streams import LostOutput, checked, forget_stdout
from conformance.errors import CaseError, ConformanceError
from conformance.exits import Exit
from conformance.visible import visible

Run = Callable[[argparse.Namespace], int]

# Before the garbage is collected: what a start imports and reads stays, so that looking through it
# every 700 objects finds nothing and is a tenth of the start.
_NEW_OBJECTS: Final = 50_000
_ABOUT: Final = "Plays TCP conformance cases against a real TCP and judges every segment."


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what it does in a line, its arguments, and what runs it."""

    name: str
    doc: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Run


# ---- arguments -----------------------------------------------------------------------------------


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case", metavar="CASE", help="a file or an id")


def _replay_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="what run --record wrote")
    parser.add_argument("--json", action="store_true", help="JSON on the standard output")


def _compare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", help="what run --record wrote, before")
    parser.add_argument("b", metavar="B", help="the same, after, or of another target")
    parser.add_argument("--json", action="store_true", help="JSON on the standard output")
    parser.add_argument("--markdown", metavar="FILE", help="write a comment for a job as well")
    parser.add_argument("--html", metavar="FILE", help="write a page with both ladders as well")


def _report_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="what run --record wrote")
    parser.add_argument("--html", metavar="DIR", help="the directory of the site")
    parser.add_argument("--svg", metavar="DIR", help="write matrix.svg, states by events, there")
    parser.add_argument("--ladder", metavar="ID", help="and the ladder of this play, ladder.svg")
    for one in FORMS:
        parser.add_argument(f"--{one.name}", metavar="FILE", help=one.doc)


def _path_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and directories")


def _fmt_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files and directories")
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if it would")


def _schema_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "of",
        nargs="?",
        metavar="OF",
        choices=("case", "record", "run"),
        default="case",
        help="case, for an editor; a line of a record; or of run --json (default: case)",
    )


def _diagram_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("svg", "mermaid"), default="mermaid")


def _kernel_arguments(parser: argparse.ArgumentParser) -> None:
    from conformance.commands.kernel import arguments

    arguments(parser)


def _bench_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument(
        "--soak", metavar="N", type=count, help="instead: N rounds of runs on an unkind machine"
    )
    parser.add_argument("--report", action="store_true", help="instead: a site of 10,000 cases")
    parser.add_argument("--user", metavar="NAME", default="", help="with --soak: as whom to run")
    parser.add_argument(
        "--target", metavar="T[,T]", default="", help="what each of these costs, or what soaks"
    )
    parser.add_argument(
        "-k",
        dest="keyword",
        metavar="EXPR",
        default="",
        help="with either: which of the cases",
    )
    parser.add_argument("--json", action="store_true", help="JSON on the standard output")


def _target_arguments(parser: argparse.ArgumentParser) -> None:
    from conformance.commands.target import arguments

    arguments(parser)


# ---- commands: each imports what it needs when it runs -------------------------------------------


def _run(args: argparse.Namespace) -> int:
    from conformance.commands.run import run

    kernels = [name.strip() for name in ",".join(args.kernel).split(",")]
    if args.seed is not None and "host" in kernels:
        note("host is the running kernel, which takes no seed: its records differ each time")
    return run(args)


def _replay(args: argparse.Namespace) -> int:
    from conformance.commands.replay import replay

    return replay(args)


def _compare(args: argparse.Namespace) -> int:
    from conformance.commands.compare import compare

    return compare(args)


def _report(args: argparse.Namespace) -> int:
    from conformance.commands.report import report

    return report(args)


def _list(args: argparse.Namespace) -> int:
    from conformance.commands.listing import list_cases

    return list_cases(args)


def _show(args: argparse.Namespace) -> int:
    from conformance.commands.cases import show

    return show(args)


def _check(args: argparse.Namespace) -> int:
    from conformance.commands.cases import check

    return check(args)


def _fmt(args: argparse.Namespace) -> int:
    from conformance.commands.cases import fmt

    return fmt(args)


def _schema(args: argparse.Namespace) -> int:
    from conformance.commands.cases import schema

    return schema(args)


def _coverage(args: argparse.Namespace) -> int:
    from conformance.commands.coverage import coverage

    return coverage(args)


def _mutate(args: argparse.Namespace) -> int:
    if args.answers:
        from conformance.commands.mutate import mutate

        return mutate(args)
    if args.legal:
        from conformance.commands.fair import legal

        return legal(args)
    from conformance.commands.faulty import faults

    return faults(args)


def _diagram(args: argparse.Namespace) -> int:
    from conformance.commands.cases import diagram

    return diagram(args)


def _kernel(args: argparse.Namespace) -> int:
    from conformance.commands.kernel import kernel

    return kernel(args)


def _bench(args: argparse.Namespace) -> int:
    from conformance.commands.bench import bench

    return bench(args)


def _target(args: argparse.Namespace) -> int:
    from conformance.commands.target import target

    return target(args)


COMMANDS: Final = (
    Command("run", "play cases and judge them", run_arguments, _run),
    Command("list", "the cases that run would play", selection, _list),
    Command("show", "a case as a ladder, without playing it", _show_arguments, _show),
    Command("replay", "judge a recorded run again", _replay_arguments, _replay),
    Command("compare", "what changed between two recorded runs", _compare_arguments, _compare),
    Command("report", "a site of recorded runs, or a form for a CI", _report_arguments, _report),
    Command("check", "all faults of all files", _path_arguments, _check),
    Command("fmt", "spell files as they are committed", _fmt_arguments, _fmt),
    Command("schema", "the JSON Schema of a case, or of a record", _schema_arguments, _schema),
    Command("diagram", "the state machine, drawn from the reference", _diagram_arguments, _diagram),
    Command(
        "kernel", "Linux in virtual time: build, list, remove, exec", _kernel_arguments, _kernel
    ),
    Command("target", "wire a TCP of your own in", _target_arguments, _target),
    Command("coverage", "which rules do the cases verify?", coverage_arguments, _coverage),
    Command("mutate", "what wrong TCPs, or answers, do the cases miss?", mutate_arguments, _mutate),
    Command("bench", "measure the harness on this machine", _bench_arguments, _bench),
)


# ---- main ----------------------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    gc.set_threshold(_NEW_OBJECTS)
    atexit.register(gc.freeze)  # what is left ends with the process: nobody need look through it
    with checked():
        try:
            return _main(words)
        except Exception as error:  # noqa: BLE001 - the one place where nothing is foreseen
            if problem := bug.owned(error):
                _complain(problem)
                return problem.exit_status
            return _bug(error, words)


def _main(words: list[str]) -> int:
    try:
        with ended_by_signals():
            status = _status(words)
            sys.stdout.flush()
    except BrokenPipeError:
        forget_stdout()
        return Exit.UNREAD  # as a program that SIGPIPE ended: whoever read us has what he wanted
    except LostOutput as error:
        forget_stdout()
        _complain(error)
        return error.exit_status
    return status


def _bug(error: Exception, words: list[str]) -> int:
    """Say that it is one, after all that has been said."""
    try:
        sys.stdout.flush()
    except (LostOutput, BrokenPipeError):
        forget_stdout()
    sys.stderr.write(bug.told(error, words) + "\n")
    return Exit.BUG


def _status(words: list[str]) -> int:
    try:
        return _dispatch(words)
    except LostOutput:
        raise
    except ConformanceError as error:
        _complain(error)
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return Exit.INTERRUPTED


def _dispatch(words: list[str]) -> int:
    top = Parser(
        prog="conformance",
        description=_ABOUT,
        epilog=_commands(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        usage="conformance COMMAND [ARGUMENT]...",
    )
    top.add_argument("--version", action="version", version=f"conformance {__version__}")
    by_name = {command.name: command for command in COMMANDS}
    if not words or words[0].startswith("-"):
        return _top_only(top, words)
    command = by_name.get(words[0])
    if command is None:
        raise CaseError(unknown("command", words[0], list(by_name), "conformance"))
    parser = Parser(prog=f"conformance {command.name}", description=command.doc, allow_abbrev=False)
    command.arguments(parser)
    try:
        args, rest = parser.parse_known_intermixed_args(words[1:])
    except SystemExit as end:  # --help was printed
        return int(end.code or 0)
    if rest:
        parser.unknown(rest)
    return command.run(args)


def _top_only(top: Parser, words: list[str]) -> int:
    try:
        _, rest = top.parse_known_args(words)
    except SystemExit as end:
        return int(end.code or 0)
    if rest and rest[0].startswith("-"):
        top.unknown(rest)
    top.print_help()
    return Exit.WRONG


def _commands() -> str:
    width = max(len(command.name) for command in COMMANDS)
    lines = [f"  {command.name:<{width}}  {command.doc}" for command in COMMANDS]
    return "\n".join(["commands:", *lines, "", exits.told()])


def _complain(error: ConformanceError) -> None:
    sys.stdout.flush()
    text = str(error)
    if not hasattr(error, "faults"):
        from conformance.targets.names import sentence

        text = f"conformance: {sentence(error)}"
    sys.stderr.write(visible(text) + "\n")


if __name__ == "__main__":
    sys.exit(main())
