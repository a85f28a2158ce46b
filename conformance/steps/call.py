"""``call:``, ``spawn:`` and ``join:``: socket calls on the target.

A call's bound counts from its invocation, as the target's agent saw it: the FIN may be on the
wire before ``close()`` has returned. What it causes may come at any time until it has returned, or
has said that it waits.
"""

from __future__ import annotations

import errno
from collections.abc import Generator
from typing import Final

from conformance.case import messages
from conformance.case.call_rows import Gives
from conformance.case.calls import BY_NAME, arguments, is_given, names_new_socket
from conformance.case.verbs.call import Call, Join, OfCall, Spawn
from conformance.errors import Owner
from conformance.notation.bits import hold_bits, parts, print_bits
from conformance.notation.call import CallText, Count, Errno, Received, Word
from conformance.notation.printer import print_call, print_result
from conformance.play import actions
from conformance.play.conversation import Conversation, Flow
from conformance.play.events import CallReturned
from conformance.play.record import What
from conformance.play.verdict import Failure, Outcome, Stopped, too_early
from conformance.steps.send import after, until
from conformance.tcp.addresses import ENDS, STRANGERS
from conformance.tcp.flags import Flags

_SENDS: Final = ("send", "sendmsg")
ETHERNET: Final = 14  # octets of a frame before its IP header


def run(play: Conversation, step: Call) -> Flow:
    """Invoke, wait for the return, hold it to the result."""
    number, due = yield from _invoke(play, step)
    yield from _returned(play, step, number, due)


def spawn(play: Conversation, step: Spawn) -> Flow:
    """Invoke a call that blocks, and go on once it was invoked."""
    number, due = yield from _invoke(play, step)
    latest = due + play.profile.patience + play.profile.grace
    while number not in play.pending and number not in play.answers:
        if play.now >= latest:
            told = print_call(step.value)
            failure = Failure(f"the agent did not invoke {told}")
            raise Stopped(failure, Outcome.ERROR, Owner.TARGET)
        yield latest
    returned = play.answers.get(number)
    if isinstance(returned, CallReturned) and number not in play.pending:
        at, began = returned.started, returned.at
    else:
        at, began = play.pending[number].at, play.pending[number].began
    play.spawned.append((step.conn, print_call(step.value), number))
    play.caused(at, ended=began)
    play.note(What.CALL, f"{print_call(step.value)} begins", step.conn, at)


def join(play: Conversation, step: Join) -> Flow:
    """Wait for the return of the call that was spawned, and hold it to the result."""
    call = step.value
    told = print_call(CallText(call.name, call.args))
    alike = [one for one in play.spawned if one[1] == told]
    mine = next((one for one in alike if one[0] == step.conn), alike[0])
    play.spawned.remove(mine)
    number = mine[2]
    pending = play.pending.get(number)
    since = pending.at if pending else play.cause
    yield from _returned(play, step, number, since, joined=True)


def _invoke(play: Conversation, step: OfCall) -> Generator[float | None, None, tuple[int, float]]:
    """Have the call made; its number and the time it was due."""
    due = play.ready + after(play, step)
    yield from until(play, due)
    socket, args = arguments(step.value)
    conn = play.conn(step.conn)
    if socket is not None:
        args["socket"] = play.sockets[socket].handle
        _writes(play, step, socket, args)
    bound = socket is not None and _bound(play, step, socket)
    if step.value.name == "listen" and not bound:
        args.setdefault("port", play.addressing.target_port)
    opens = "FASTOPEN" in parts(str(args.get("flag", "")))
    if step.value.name == "connect" or opens:
        args.setdefault("port", conn.tester_port)
    if step.value.name == "connect" and socket is not None:
        play.sockets[socket].passed.conn = step.conn
    if step.value.name == "destroy" and socket is None:
        args |= {"local": conn.target_port, "remote": conn.tester_port}
    _names(args, play, step.value.name)
    number = play.number(due)
    play.tolerating.calls(number, step.value.name, conn.name)
    play.act(actions.MakeCall(number, step.value.name, args, due))
    return number, due


def _names(args: dict[str, int | str], play: Conversation, call: str) -> None:
    """An address in place of its name; the agent knows its own, but does not connect to it."""
    ip, name = play.addressing.ip, str(args.get("address", ""))
    if name == "target" and call == "connect":
        args["address"] = play.addressing.target or ENDS[ip][1]
    elif name in ("", "target"):
        args.pop("address", None)
    else:
        args["address"] = STRANGERS[name][ip]


def _bound(play: Conversation, step: OfCall, socket: str) -> bool:
    """Whether the socket has had its port from the case before this call."""
    passed = play.sockets[socket].passed
    before, passed.bound = passed.bound, passed.bound or step.value.name in ("bind", "listen")
    return before


def _writes(play: Conversation, step: OfCall, socket: str, args: dict[str, int | str]) -> None:
    """Text of its own takes the place of the stream's octets (see play.view.Stream)."""
    held = play.sockets[socket]
    if step.value.name not in _SENDS:
        return
    text = args.get("text")
    if isinstance(text, str):
        play.conn(held.conn).target_stream.write(held.written, text.encode())
        held.passed.written += len(text.encode())
    else:
        held.passed.written += int(args.get("count", 0))


def _took(play: Conversation, step: OfCall, returned: CallReturned) -> None:
    """A send that took less than it was given wrote only that."""
    socket, args = arguments(step.value)
    if socket is None or step.value.name not in _SENDS:
        return
    text = args.get("text")
    given = len(text.encode()) if isinstance(text, str) else int(args.get("count", 0))
    taken = 0 if returned.errno else returned.value
    if taken < given:
        held = play.sockets[socket]
        held.passed.written -= given - taken
        play.conn(held.conn).target_stream.unwrite(held.written)


def _bounds(play: Conversation, step: OfCall, since: float) -> tuple[float, float]:
    """Earliest and latest return; ``within`` counts from ``since``, when it was invoked."""
    within = step.within
    if within is None:
        return 0.0, max(since, play.cause_ended) + play.profile.patience
    low = play.profile.least(within.low) if within.low else 0.0
    return since + low, since + float(within.high.seconds(play.profile.unit))


def _returned(
    play: Conversation, step: OfCall, number: int, since: float, *, joined: bool = False
) -> Flow:
    _, latest = _bounds(play, step, since)
    returned = yield from play.answer(number, latest + play.profile.grace)
    told = print_call(CallText(step.value.name, step.value.args))
    if not isinstance(returned, CallReturned):
        message = f"{told} has not returned in time"
        raise Stopped(Failure(message, (_wanted(step),), "it blocks", timed=True))
    earliest, latest = _bounds(play, step, returned.started)
    _woken(play, step, returned)
    if joined:
        play.caused(returned.at)
    else:
        pending = play.pending.get(number)
        began = pending.began if pending else returned.at
        play.caused(returned.started, returned.at, ended=began)
    outcome = _outcome(step, returned)
    _took(play, step, returned)
    play.note(What.CALL, f"{told} = {outcome}", step.conn, returned.at)
    _hold(play, step, returned)
    if not earliest <= returned.at <= latest:
        took = f"after {returned.at - returned.started:.4f}s"
        if returned.at < earliest:
            failure = Failure(f"{told} returned too early", (_wanted(step),), took)
            raise Stopped(too_early(failure, returned.at, earliest, returned.started))
        raise Stopped(Failure(f"{told} returned too late", (_wanted(step),), took, timed=True))


def _woken(play: Conversation, step: OfCall, returned: CallReturned) -> None:
    """A call that waited is late from what woke it on; where a timer may have, nobody can say."""
    within = step.within
    if returned.number in play.woken and (within is None or within.low is None):
        play.late.returned(max(returned.started, play.woken[returned.number]), returned.at)


def _outcome(step: OfCall, returned: CallReturned) -> str:
    """What came back, as a case writes it."""
    if returned.errno:
        return returned.errno
    if _is_error(step):
        return errno.errorcode.get(returned.value, str(returned.value))
    if bits := BY_NAME[step.value.name].bits:
        return print_bits(returned.value, bits)
    if came := messages.told(returned.text) if _takes_messages(step) else ():
        return print_result(Received(Count(returned.value), came))
    return str(len(returned.data) if returned.data else _value(step, returned))


def _takes_messages(step: OfCall) -> bool:
    return BY_NAME[step.value.name].gives is Gives.MESSAGE


def _is_error(step: OfCall) -> bool:
    """Whether what it returns is an errno that was pending: its name, where the case says one."""
    asks = (step.value.name, arguments(step.value)[1].get("name")) == ("getsockopt", "ERROR")
    return asks and isinstance(step.value.result, Errno)


def _value(step: OfCall, returned: CallReturned) -> int:
    """The number that came back; a call on a socket that it was given tells its handle: 0."""
    return 0 if is_given(step.value) else returned.value


def _wanted(step: OfCall) -> str:
    result = step.value.result
    return print_result(result) if result is not None else "success"


def _hold(play: Conversation, step: OfCall, returned: CallReturned) -> None:
    if not _matches(play, step, returned):
        actual = _outcome(step, returned)
        if _no_such_algorithm(step, returned):
            why = f"{play.profile.name} has no congestion control of this name"
            raise Stopped(Failure(why), Outcome.SKIPPED)
        raise Stopped(Failure(f"{step.value.name}() returned {actual}", (_wanted(step),), actual))
    if not returned.errno:
        _name(play, step, returned)
        _reads_otherwise(play, step)
    if step.value.name in ("recv", "recvmsg") and returned.data:
        _read(play, step, returned.data)
    elif returned.data and arguments(step.value)[1].get("name") == "SAVED_SYN":
        _saved(play, step, returned.data)


def _no_such_algorithm(step: OfCall, returned: CallReturned) -> bool:
    """Whether a kernel was built without the algorithm of the case: no RFC has a list."""
    wants = returned.errno == "ENOENT" and not isinstance(step.value.result, Errno)
    return wants and arguments(step.value)[1].get("name") == "CONGESTION"


def _matches(play: Conversation, step: OfCall, returned: CallReturned) -> bool:
    """Whether that came back which the step says."""
    row = BY_NAME[step.value.name]
    if isinstance(step.value.result, Errno):
        return _outcome(step, returned) in step.value.result.names
    if returned.errno:
        return False
    match step.value.result:
        case Count(low, high) | Received(Count(low, high)) as result:
            counts = low <= _value(step, returned) <= (high or low)
            return counts and (
                isinstance(result, Count) or messages.hold(result, messages.told(returned.text))
            )
        case str(text):
            return returned.data == text.encode()
        case Word(names) if row.gives is Gives.BITS:
            return hold_bits(returned.value, names, row.bits)
        case Word(end) if row.gives is Gives.PORT:
            return returned.value == _port(play, step, end)
    return True


def _port(play: Conversation, step: OfCall, end: str) -> int:
    """The port of one end of the connection, as the wire has it."""
    socket, _ = arguments(step.value)
    conn = play.conn(play.sockets[socket].conn if socket else step.conn)
    return conn.target_port if end == "target" else conn.tester_port


def _name(play: Conversation, step: OfCall, returned: CallReturned) -> None:
    """The result's name stands for the new handle from here on."""
    name = names_new_socket(step.value)
    socket, _ = arguments(step.value)
    if name is not None and step.value.name in ("dup", "repair") and socket is not None:
        play.sockets.share(name, returned.value, play.sockets[socket])
    elif name is not None:
        play.sockets.bind(name, returned.value, step.conn)


def _reads_otherwise(play: Conversation, step: OfCall) -> None:
    """From here on urgent octets are in the stream or not, looks go on, or all begins anew."""
    socket, args = arguments(step.value)
    if socket is None or step.value.name not in ("setsockopt", "disconnect"):
        return
    held, value = play.sockets[socket], args.get("value")
    if step.value.name == "disconnect":
        held.passed.disconnected()
    elif args.get("name") == "OOBINLINE":
        held.reader.in_line(play.conn(held.conn).tester_stream, on=bool(value))
    elif args.get("name") == "PEEK_OFF" and isinstance(value, int):
        held.reader.peeks_go_on(value)


def _saved(play: Conversation, step: OfCall, data: bytes) -> None:
    """The SYN that was saved is one that the tester sent, from its IP header on."""
    syns = [
        entry.frame[ETHERNET:]
        for entry in play.record.entries
        if entry.what is What.SENT and entry.segment and Flags.SYN in entry.segment.flags
    ]
    if not any(syn[: len(data)] == data for syn in syns):
        sent = tuple(f"0x{syn.hex()}" for syn in syns[-1:])
        raise Stopped(Failure("no SYN was sent that begins so", sent, f"0x{data.hex()}"))


def _read(play: Conversation, step: OfCall, data: bytes) -> None:
    """What the application reads is what the tester wrote, octet by octet."""
    socket, args = arguments(step.value)
    if socket is None:
        return
    held = play.sockets[socket]
    stream = play.conn(held.conn).tester_stream
    flags = parts(str(args.get("flag", "")))
    if "OOB" in flags:
        if not stream.urgent(data):
            told = "the application read an urgent octet that none of the pointers named"
            raise Stopped(Failure(told, (), f"0x{data[:8].hex()}"))
        return
    read = held.reader.peek if "PEEK" in flags else held.reader.read
    if wrong := read(stream, data):
        raise Stopped(
            Failure(
                f"the application read other octets, from octet {wrong.offset + 1} on",
                (f"0x{wrong.right[:8].hex()}",),
                f"0x{wrong.read[:8].hex()}",
            )
        )
