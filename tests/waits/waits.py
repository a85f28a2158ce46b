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
_FIRST: Final = "live.glue.channel.FIRST_WORD"
_GLUE: Final = "its case is an error"
_KILLED: Final = "processes.end: killed, with all below it"
_EOF: Final = "the harness closes its end, or dies"

WAITS: Final = (
    # The harness and a glue program.
    Wait("live.glue.channel:GlueChannel.answer", "poll", "an answer", "live.glue.channel.PATIENCE",
         _GLUE),
    Wait("live.glue.channel:GlueChannel.fail", "wait", "a status on its way",
         "live.glue.channel._LATE_WORD", "goes on"),
    Wait("live.glue.channel:GlueChannel._write", "write", "a program that reads", NEVER, _GLUE),
    Wait("live.glue.channel:GlueChannel.replies", "read", "", NEVER, ""),
    Wait("live.glue.channel:GlueChannel.chatter", "read", "", NEVER, ""),
    Wait("live.glue.channel:GlueChannel._hear_words", "read", "", NEVER, ""),
    Wait("live.glue.channel:Wire.send", "send", "", NEVER, _GLUE),
    Wait("live.frames.packet_socket:received", "recvmsg", "", NEVER, ""),
    Wait("live.frames.packet_socket:departure", "recvmsg", "", NEVER, ""),
    Wait("live.glue.program:Program.listen", "recv_fds", "", NEVER, ""),
    Wait("live.glue.program:Program.wait", "poll", "the end, or a wire", _FIRST, _GLUE),
    Wait("live.glue.program:Program.kill", "send", "", NEVER, ""),
    Wait("targets.check.wire_tester:WireTester.until", "poll", "a step",
         "targets.check.wire_tester.BOUND", "Failed"),
    Wait("targets.check.stack:CheckedStack._wire", "wait_for_wire", "a wire", _FIRST, _GLUE),
    # The harness and the supervisor, and processes in general.
    Wait("live.glue.program:Supervisor.__init__", "send recv", "its start",
         "live.glue.program.ANSWER", "EnvironmentProblem"),
    Wait("live.glue.program:Supervisor.start", "send_fds", "room for an order",
         "live.glue.program.ANSWER", "TargetError"),
    Wait("processes:ended", "select", "the end of a process", "live.glue.program.END", _KILLED),
    Wait("processes:end", "wait", "one that was killed", "live.glue.program.END", "the kernel"),
    Wait("processes:held", "sleep", "one that is stopped", "live.glue.program._HELD", "it goes on"),
    Wait("processes:_kill_below", "sleep", "their end", "processes._ROUNDS", "goes on"),
    Wait("processes:stopped", "waitid", "", NEVER, ""),
    Wait("processes:run", "communicate", "a command", "kernel.store._ASKING", "it is killed"),
    # The harness and the netns server, a lab of the running kernel.
    Wait("live.kernel.netns_client:Namespaces.__init__", "send", "its start",
         "live.kernel.netns_client.ANSWER", "EnvironmentProblem"),
    Wait("live.kernel.netns_client:Namespaces.order", "send", "room",
         "live.kernel.netns_client.ANSWER", "TargetError"),
    Wait("live.kernel.netns_client:Namespaces._answer", "recv_fds", "namespaces",
         "live.kernel.netns_client.ANSWER", "TargetError"),
    Wait("live.loop:_select", "select select", "whatever comes next", "live.loop.BARREN",
         "Loop.run, where no lab comes; else the bound of a case"),
    Wait("live.kernel.backlog:Backlog.drain", "sleep", "the kernel", "live.kernel.backlog._BOUND",
         "EnvironmentProblem"),
    Wait("live.kernel.lab:KernelLabs.hear", "poll", "", NEVER, ""),
    Wait("live.kernel.lab:KernelLab._answer", "poll", "the agent", "live.kernel.lab._ANSWER_BOUND",
         "TargetError"),
    Wait("live.kernel.lab:KernelLab.call", "send", "", NEVER, "the case is an error"),
    Wait("live.kernel.lab:KernelLab._read_agent", "recv", "", NEVER, ""),
    Wait("live.kernel.link:Link.send", "send", "", NEVER, ""),
    Wait("live.kernel.states:StateReader.read", "send recv", "the kernel",
         "live.workers.netns_server.NETLINK", "TargetError"),
    Wait("live.kernel.trace:Trace.__init__", "write", "", NEVER, ""),
    Wait("live.kernel.trace:Trace.read", "read", "", NEVER, ""),
    Wait("live.workers.trace_keeper:Keeper.end", "waitpid", "the trace's end", CHILD, _KILLED),
    Wait("live.workers.trace_keeper:_keep", "read", "the end of all who hold its line", CHILD,
         _EOF),
    Wait("live.workers.trace_keeper:_keep", "sleep", "who holds the trace",
         "live.workers.trace_keeper._TRIES", "goes on"),
    Wait("live.interface.find_host:_answers", "send poll recv", "answers",
         "live.interface.find_host._PAUSE", "goes on"),
    # Children of the harness.
    Wait("live.workers.program_supervisor:main", "recv send send", "the first order", CHILD, _EOF),
    Wait("live.workers.program_supervisor:_Programs.serve", "poll read", "orders", CHILD, _EOF),
    Wait("live.workers.program_supervisor:_Programs._order", "recv_fds", "", NEVER, ""),
    Wait("live.workers.program_supervisor:_Programs._heard", "recv", "", NEVER, ""),
    Wait("live.workers.program_supervisor:_Programs._reap", "waitpid send", "", NEVER, ""),
    Wait("live.workers.program_supervisor:_Programs.end_all", "poll read waitpid", "programs",
         CHILD, _KILLED),
    Wait("live.workers.program_supervisor:_ended", "waitid", "", NEVER, ""),
    Wait("live.workers.program_supervisor:_become", "send_fds write", "room", CHILD,
         "the supervisor kills it"),
    Wait("live.workers.program_netns:_carrier", "send recv select", "the kernel",
         "live.workers.netns_server.NETLINK", "the program does not start"),
    Wait("live.workers.netns_server:main", "recv send", "the plan", CHILD, _EOF),
    Wait("live.workers.netns_server:_Workers.serve", "poll recv", "orders", CHILD, _EOF),
    Wait("live.workers.netns_server:_Workers._hear", "recv waitpid", "a beginning", CHILD, _KILLED),
    Wait("live.workers.netns_server:_Workers._have_made", "send", "", NEVER, ""),
    Wait("live.workers.netns_server:_Workers.end", "waitpid", "those that were killed", CHILD,
         _KILLED),
    Wait("live.workers.netns_server:_live", "send send send recv", "the next case", CHILD,
         "its parent's end"),
    Wait("live.workers.netns_server:_make", "send", "room", CHILD, "its parent's end"),
    Wait("live.workers.netns_server:_hand_over", "send_fds", "room", CHILD, _EOF),
    Wait("live.workers.netns_server:send_plan", "send recv", "the kernel",
         "live.workers.netns_server.NETLINK", "told"),
    Wait("live.workers.netns_server:set_sysctl", "write", "", NEVER, ""),
    Wait("live.workers.netns_server:_settle", "send recv send recv select", "the kernel",
         "live.workers.netns_server.NETLINK", "told"),
    Wait("agent.agent:Agent.serve", "poll read", "requests, sockets", CHILD, _EOF),
    Wait("agent.agent:Agent.flush", "write", "", NEVER, ""),
    Wait("agent.agent:Agent.read_requests", "read", "", NEVER, ""),
    Wait("agent.agent:Agent.call_poll", "poll", "", NEVER, ""),
    Wait("agent.agent:Agent.open_fast", "sendto", "", NEVER, ""),
    Wait("agent.agent:Agent.blocking.run", "write", "", NEVER, ""),
    Wait("agent.agent:Agent.from_file", "write", "", NEVER, ""),
    Wait("agent.agent:Agent.call_disconnect", "connect", "", NEVER, ""),
    Wait("agent.agent:Agent.call_errors", "recvmsg", "", NEVER, ""),
    Wait("agent.agent:Agent.call_destroy", "send recv", "", NEVER, ""),
    Wait("agent.agent:spliced", "read", "", NEVER, ""),
    Wait("agent.agent:piped.splice", "write", "", NEVER, ""),
    Wait("agent.agent:queued", "recv", "", NEVER, ""),
    Wait("agent.agent:put_in", "sendall sendall connect", "", NEVER, ""),
    Wait("agent.agent:Agent.call_close.last", "write", "", NEVER, ""),
    Wait("agent.agent:main", "select", "room for the last replies", "1.0", "goes on"),
    # A guest, as the host sees it and from within.
    Wait("kernel.guest:_listen", "select wait", "output", "kernel.guest.GuestBounds.wall",
         "killed"),
    Wait("kernel.guest:_Guest.kill", "wait", "one that was killed", CHILD, "the kernel"),
    Wait("kernel.guest:_Guest.carry", "read", "", NEVER, ""),
    Wait("kernel.guest:_write", "write", "who reads our output", USER, "the user"),
    Wait("kernel.in_guest.init:_serve", "poll read", "the command", "kernel.guest.GuestBounds.wall",
         "the host"),
    Wait("kernel.in_guest.init:until", "clock_nanosleep", "time", "kernel.guest.GuestBounds.wall",
         "the host"),
    Wait("kernel.fence:lacking", "select", "whether a fence can be had", "kernel.fence._TRY",
         "no fence is had, and why"),
    Wait("kernel.fence:lacking", "write write waitpid", "", NEVER, ""),
    Wait("kernel.in_guest.init:_pump", "read write", "the console", "kernel.guest.GuestBounds.wall",
         "the host"),
    Wait("kernel.in_guest.init:_become", "write", "the console", "kernel.guest.GuestBounds.wall",
         "the host"),
    Wait("kernel.in_guest.init:_reap", "waitpid", "", NEVER, ""),
    Wait("kernel.folders:_lock", "flock", "", NEVER, ""),
    Wait("kernel.folders:_sweep", "flock", "", NEVER, ""),
    # Commands of others.
    Wait("kernel.make:ask", "run", "a compiler", "kernel.make._ASKING", "EnvironmentProblem"),
    Wait("kernel.make:Builder._lines", "select read", "make", "kernel.make._SILENT",
         "EnvironmentProblem; make's group is killed"),
    Wait("kernel.gcov:_gcov", "run", "gcov", "kernel.gcov._READING", "EnvironmentProblem"),
    Wait("kernel.kept:tree", "flock", "", NEVER, "EnvironmentProblem"),
    Wait("kernel.source:_tar", "run", "tar", "kernel.source._UNPACKING", "CaseError"),
    Wait("kernel.store:_told", "run", "a kernel's words", "kernel.store._ASKING",
         "EnvironmentProblem"),
    Wait("targets.files.build:_absent", "run", "dpkg-query", "targets.files.build._ASKING",
         "goes on"),
    Wait("targets.files.build:build", "run", "build:", "targets.files.build.BUILDING",
         "EnvironmentProblem"),
    Wait("targets.kinds.remote:install", "run", "ssh", "targets.kinds.remote._PATIENCE",
         "TargetError"),
    # The command line.
    Wait("files:Growing.append", "write", "a disk, or who reads a pipe that the user named", USER,
         "the user"),
    Wait("files:try_to_write_in", "write", "", NEVER, ""),
    Wait("commands.kernel:_stdin", "read", "the standard input, with --stdin", USER, "its end"),
    Wait("commands.altered:apart", "select read", "a process", CHILD, "SIGPROF, then it is killed"),
    Wait("commands.altered:_end", "waitpid", "one that was killed", CHILD, "the kernel"),
    Wait("commands.fair:_judge", "write write", "who reads", CHILD, "its parent kills it"),
    Wait("commands.hunts:_trace", "write", "who reads", CHILD, "its parent kills it"),
    Wait("commands.faulty:_hunt", "write", "who reads", CHILD, "its parent kills it"),
    Wait("commands.faulty:played", "write", "who reads", CHILD, "its parent kills it"),
    Wait("commands.shares:_told", "select read waitpid", "a process that reads",
         "commands.shares.PATIENCE", "it is killed, and its share is read here"),
    Wait("commands.shares:_shares", "waitpid", "one that was killed", CHILD, "the kernel"),
    Wait("commands.compare:_Run.read", "readline", "", NEVER, ""),
    Wait("commands.report:all_told", "result", "a process that reads", "commands.report.PATIENCE",
         "EnvironmentProblem; all of them are killed"),
    Wait("commands.measure:output_of", "run", "a command", "commands.measure._LONGEST",
         "TimeoutExpired"),
    Wait("commands.bench_target:_first_verdict", "select readline", "a run",
         "commands.bench_target._LONGEST", "TargetError"),
    Wait("commands.disturb:stops", "select select", "runs", "commands.disturb.LONGEST", "killed"),
    Wait("commands.disturb:busy", "wait", "one that was killed", CHILD, "the kernel"),
    Wait("commands.soak:_round", "wait", "one that was killed", CHILD, "the kernel"),
)  # fmt: skip
