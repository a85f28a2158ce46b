"""Every wait of the harness: where, for what, how long at most, and who ends it.

Rules:

- A row is a function of the package and the names of the calls there that can wait. The test beside
  this finds all such calls and holds them to the rows, both ways.
- ``bound`` is seconds of wall time, as the name of a constant of that module or another's, or a
  number that stands in the call. ``NEVER`` are calls that do not wait: the descriptor does not
  block, or there is something to be had already. ``CHILD`` are processes of the harness, which
  themselves wait for it: their bound is the one that the harness has for them, and the end of their
  pipe or of their parent (PDEATHSIG) ends them.
- ``USER`` waits for the one at the keyboard or the pipe behind us, as any command does.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Wait(NamedTuple):
    """One row."""

    where: str  # module:function, below ``conformance``
    calls: str  # their names, by blanks
    what: str  # is waited for
    bound: str
    ends: str  # who ends it then, and with what


NEVER: Final = "does not wait"
CHILD: Final = "as long as the harness has it"
USER: Final = "as long as the user lets it"
_FIRST: Final = "shell.glue.FIRST_WORD"
_GLUE: Final = "its case is an error"
_KILLED: Final = "processes.end: killed, with all below it"
_EOF: Final = "the harness closes its end, or dies"

WAITS: Final = (
    # The harness and a glue program.
    Wait("shell.glue:Glue.answer", "poll", "an answer", "shell.glue.PATIENCE", _GLUE),
    Wait("shell.glue:Glue.fail", "wait", "a status on its way", "shell.glue._LATE_WORD", "goes on"),
    Wait("shell.glue:Glue._write", "write", "a program that reads", NEVER, _GLUE),
    Wait("shell.glue:Glue.replies", "read", "", NEVER, ""),
    Wait("shell.glue:Glue.chatter", "read", "", NEVER, ""),
    Wait("shell.glue:Glue._hear_words", "read", "", NEVER, ""),
    Wait("shell.glue:Wire.send", "send", "", NEVER, _GLUE),
    Wait("shell.glue:Wire.take", "recvmsg", "", NEVER, ""),
    Wait("shell.program:Program.listen", "recv_fds", "", NEVER, ""),
    Wait("shell.program:Program.wait", "poll", "the end, or a wire", _FIRST, _GLUE),
    Wait("shell.program:Program.kill", "send", "", NEVER, ""),
    Wait("targets.hand:Hand.until", "poll", "a step", "targets.hand.BOUND", "Failed"),
    Wait("targets.probe_stand:Stand._wire", "wait_for_wire", "a wire", _FIRST, _GLUE),
    # The harness and the shepherd, and processes in general.
    Wait("shell.program:Shepherd.__init__", "send recv", "its start", "shell.program.ANSWER",
         "EnvironmentProblem"),
    Wait("shell.program:Shepherd.start", "send_fds", "room for an order", "shell.program.ANSWER",
         "TargetError"),
    Wait("processes:ended", "select", "the end of a process", "shell.program.END", _KILLED),
    Wait("processes:end", "wait", "one that was killed", "shell.program.END", "the kernel"),
    Wait("processes:held", "sleep", "one that is stopped", "shell.program._HELD", "it goes on"),
    Wait("processes:_kill_below", "sleep", "their end", "processes._ROUNDS", "goes on"),
    Wait("processes:stopped", "waitid", "", NEVER, ""),
    Wait("processes:run", "communicate", "a command", "kernel.store._ASKING", "it is killed"),
    # The harness and the nursery, a lab of the running kernel.
    Wait("shell.netns:Namespaces.__init__", "send", "its start", "shell.netns.ANSWER",
         "EnvironmentProblem"),
    Wait("shell.netns:Namespaces.order", "send", "room", "shell.netns.ANSWER", "TargetError"),
    Wait("shell.netns:Namespaces._answer", "recv_fds", "namespaces", "shell.netns.ANSWER",
         "TargetError"),
    Wait("shell.loop:_select", "select select", "whatever comes next", "shell.loop.BARREN",
         "Loop.run, where no lab comes; else the bound of a case"),
    Wait("shell.lab:Lab._answer", "poll", "the agent", "shell.lab._ANSWER_BOUND", "TargetError"),
    Wait("shell.lab:Lab.call", "send", "", NEVER, "the case is an error"),
    Wait("shell.lab:Lab._read_agent", "recv", "", NEVER, ""),
    Wait("shell.link:Link.send", "send", "", NEVER, ""),
    Wait("shell.link:Link._departure", "recvmsg", "", NEVER, ""),
    Wait("shell.link:Link.recv_all", "recvmsg", "", NEVER, ""),
    Wait("shell.states:StateReader.read", "send recv", "the kernel", "shell.nursery.NETLINK",
         "TargetError"),
    Wait("shell.trace:Trace.read", "read", "", NEVER, ""),
    Wait("shell.trace:Keeper.end", "waitpid", "the trace's end", CHILD, _KILLED),
    Wait("shell.trace:_keep", "read", "the end of all who hold its line", CHILD, _EOF),
    Wait("shell.trace:_keep", "sleep", "who holds the trace", "shell.trace._TRIES", "goes on"),
    Wait("shell.whereabouts:_answers", "send poll recv", "answers", "shell.whereabouts._PAUSE",
         "goes on"),
    # Children of the harness.
    Wait("shell.shepherd:main", "recv send send", "the first order", CHILD, _EOF),
    Wait("shell.shepherd:_Flock.serve", "poll read", "orders", CHILD, _EOF),
    Wait("shell.shepherd:_Flock._order", "recv_fds", "", NEVER, ""),
    Wait("shell.shepherd:_Flock._heard", "recv", "", NEVER, ""),
    Wait("shell.shepherd:_Flock._reap", "waitpid send", "", NEVER, ""),
    Wait("shell.shepherd:_Flock.end_all", "poll read waitpid", "programs", CHILD, _KILLED),
    Wait("shell.shepherd:_ended", "waitid", "", NEVER, ""),
    Wait("shell.shepherd:_become", "send_fds write", "room", CHILD, "the shepherd kills it"),
    Wait("shell.pasture:_carrier", "send recv select", "the kernel", "shell.nursery.NETLINK",
         "the program does not start"),
    Wait("shell.nursery:main", "recv send", "the plan", CHILD, _EOF),
    Wait("shell.nursery:_Brood.serve", "poll recv", "orders", CHILD, _EOF),
    Wait("shell.nursery:_Brood._hear", "recv waitpid", "a birth", CHILD, _KILLED),
    Wait("shell.nursery:_Brood._bear", "send", "", NEVER, ""),
    Wait("shell.nursery:_Brood.end", "waitpid", "those that were killed", CHILD, _KILLED),
    Wait("shell.nursery:_live", "send send send recv", "the next case", CHILD, "its parent's end"),
    Wait("shell.nursery:_birth", "send", "room", CHILD, "its parent's end"),
    Wait("shell.nursery:_hand_over", "send_fds", "room", CHILD, _EOF),
    Wait("shell.nursery:send_plan", "send recv", "the kernel", "shell.nursery.NETLINK", "told"),
    Wait("shell.nursery:set_sysctl", "write", "", NEVER, ""),
    Wait("shell.nursery:_settle", "send recv send recv select", "the kernel",
         "shell.nursery.NETLINK", "told"),
    Wait("agent.agent:Agent.serve", "poll read", "requests, sockets", CHILD, _EOF),
    Wait("agent.agent:Agent.flush", "write", "", NEVER, ""),
    Wait("agent.agent:Agent.read_requests", "read", "", NEVER, ""),
    Wait("agent.agent:Agent.call_recv", "recv", "", NEVER, ""),
    Wait("agent.agent:Agent.call_close.last", "write", "", NEVER, ""),
    Wait("agent.agent:main", "select", "room for the last replies", "1.0", "goes on"),
    # A guest, as the host sees it and from within.
    Wait("kernel.guest:_listen", "select wait", "output", "kernel.guest.Bounds.wall", "killed"),
    Wait("kernel.guest:_Guest.kill", "wait", "one that was killed", CHILD, "the kernel"),
    Wait("kernel.guest:_Guest.carry", "read", "", NEVER, ""),
    Wait("kernel.guest:_write", "write", "who reads our output", USER, "the user"),
    Wait("kernel.init:_serve", "poll read", "the command", "kernel.guest.Bounds.wall", "the host"),
    Wait("kernel.init:until", "clock_nanosleep", "time", "kernel.guest.Bounds.wall", "the host"),
    Wait("kernel.fence:lacking", "select", "whether a fence can be had", "kernel.fence._TRY",
         "no fence is had, and why"),
    Wait("kernel.fence:lacking", "write write waitpid", "", NEVER, ""),
    Wait("kernel.init:_pump", "read write", "the console", "kernel.guest.Bounds.wall", "the host"),
    Wait("kernel.init:_become", "write", "the console", "kernel.guest.Bounds.wall", "the host"),
    Wait("kernel.init:_reap", "waitpid", "", NEVER, ""),
    Wait("kernel.folders:_lock", "flock", "", NEVER, ""),
    Wait("kernel.folders:_sweep", "flock", "", NEVER, ""),
    # Commands of others.
    Wait("kernel.build:_ask", "run", "a compiler", "kernel.build._ASKING", "EnvironmentProblem"),
    Wait("kernel.build:_Builder._lines", "select read", "make", "kernel.build._SILENT",
         "EnvironmentProblem; make's group is killed"),
    Wait("kernel.source:_tar", "run", "tar", "kernel.source._UNPACKING", "CaseError"),
    Wait("kernel.store:_told", "run", "a kernel's words", "kernel.store._ASKING",
         "EnvironmentProblem"),
    Wait("targets.built:_absent", "run", "dpkg-query", "targets.built._ASKING", "goes on"),
    Wait("targets.built:build", "run", "build:", "targets.built.BUILDING", "EnvironmentProblem"),
    Wait("targets.remote:install", "run", "ssh", "targets.remote._PATIENCE", "TargetError"),
    # The command line.
    Wait("files:Growing.append", "write", "a disk, or who reads a pipe that the user named", USER,
         "the user"),
    Wait("files:try_to_write_in", "write", "", NEVER, ""),
    Wait("commands.kernel:_stdin", "read", "the standard input, with --stdin", USER, "its end"),
    Wait("commands.bench:_help", "run", "a run", "commands.bench._LONGEST", "TimeoutExpired"),
    Wait("commands.bench:_memory", "run", "a run", "commands.bench._LONGEST", "TimeoutExpired"),
    Wait("commands.bench_start:_output", "run", "a command", "commands.bench_start._LONGEST",
         "TimeoutExpired"),
    Wait("commands.bench_target:_first_verdict", "select readline", "a run",
         "commands.bench_target._LONGEST", "TargetError"),
    Wait("commands.disturb:stops", "select select", "runs", "commands.disturb.LONGEST", "killed"),
    Wait("commands.disturb:busy", "wait", "one that was killed", CHILD, "the kernel"),
    Wait("commands.soak:_round", "wait", "one that was killed", CHILD, "the kernel"),
)  # fmt: skip
