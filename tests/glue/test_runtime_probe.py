"""``probe``: each step of a wiring that is right, and the step that shows what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from runtime import ABLE, CALL, PROCESS, REAL, VIRTUAL, left, liar

from conformance.errors import CaseError
from conformance.play.profile import Ability, Part
from conformance.play.servers import Server
from conformance.reference.config import OPTIONS, Config, changed
from conformance.targets.check.options import VALUES
from conformance.targets.check.wiring import probe
from conformance.targets.files.model import ClockKind, Control, ResetKind, TargetFile, WireKind
from conformance.targets.settings.options import KNOWN

ALL = (
    "it starts and speaks the protocol",
    "it takes its addresses",
    "it knows its neighbour",
    "a SYN to a closed port is reset",
    "listen, a handshake, accept",
    "recv",
    "send",
    "state",
    "info",
    "shutdown and close",
    "state without a handle",
    "abort",
    "send of a text",
    "the other shutdowns",
    "socket and bind",
    "connect",
    "what nobody acknowledges is sent again",
    "calls that a stack need not have",
    "advance",
    "a fresh stack for the next case",
    "the same over IPv6",
    "what is no request",
    "what is no frame",
    "abilities",
)


def steps(file: TargetFile) -> dict[str, tuple[bool, str]]:
    found = {name: (ok, told) for name, ok, told in probe(file)}
    assert left(file) == []
    return found


def wrong(file: TargetFile) -> dict[str, str]:
    return {name: told for name, (ok, told) in steps(file).items() if not ok}


@pytest.mark.parametrize("reset", [PROCESS, CALL])
@pytest.mark.parametrize("clock", [VIRTUAL, REAL])
def test_every_step_of_a_right_wiring_holds(clock: ClockKind, reset: ResetKind) -> None:
    found = steps(liar(clock=clock, reset=reset))
    wanted = [name for name in ALL if clock is VIRTUAL or name != "advance"]
    assert list(found) == wanted
    assert all(ok for ok, _ in found.values()), found
    assert found["it starts and speaks the protocol"][1] == "reference"
    assert found["state"][1] == "ESTABLISHED LISTEN CLOSED"
    virtual = " VIRTUAL-TIME" if Ability.VIRTUAL_TIME in liar(clock=clock).abilities else ""
    assert found["abilities"][1] == f"ACTIVE-OPEN CALLS INFO IPV6 STATE{virtual}; on trust: ICMP"


@pytest.mark.parametrize(
    ("call", "part", "unasked"),
    [
        ("abort", Part.ABORT, ["abort"]),
        ("shutdown", Part.HALF_CLOSE, ["the other shutdowns"]),
    ],
)
def test_what_a_stack_says_that_it_lacks_is_not_asked_for(
    call: str, part: Part, unasked: list[str]
) -> None:
    file = liar("--refuse", call, "ENOSYS")
    assert wrong(file)
    found = steps(replace(file, lacks=frozenset({part})))
    assert list(found) == [name for name in ALL if name not in unasked]
    assert all(ok for ok, _ in found.values()), found


@pytest.mark.parametrize(
    ("faults", "step", "told"),
    [
        (["--no-start"], "it starts and speaks the protocol", "it was told not to"),
        (["--protocol", "2"], "it starts and speaks the protocol", "version 2 of the protocol"),
        (["--garbage"], "it knows its neighbour", "answers what is no protocol"),
        (["--claim", "CALLS"], "listen, a handshake, accept", "listen returns ENOSYS"),
        (["--claim", "STATE"], "state", "state returns ENOSYS"),
        (["--claim", "ACTIVE-OPEN"], "connect", "connect returns ENOSYS"),
        (["--claim", "IPV6"], "the same over IPv6", "use returns EAFNOSUPPORT"),
        (["--lie", "state"], "state", "it says CLOSE-WAIT of a connection in ESTABLISHED"),
        (["--lie", "drop-fin"], "shutdown and close", "no FIN comes"),
        (["--lie", "text"], "send of a text", "it sends b'TEXT' where the call says 'text'"),
        (["--refuse", "RD", "EINVAL"], "the other shutdowns", "shutdown RD returns EINVAL"),
        (["--refuse", "RDWR", "ENOSYS"], "the other shutdowns", "shutdown RDWR returns ENOSYS"),
        (["--refuse", "socket", "EINVAL"], "socket and bind", "socket returns EINVAL"),
        (["--refuse", "bind", "EINVAL"], "socket and bind", "bind returns EINVAL"),
        (
            ["--frames", "5"],
            "a SYN to a closed port is reset",
            "is no segment of a case: a frame of",
        ),
        (["--frames", "0"], "a SYN to a closed port is reset", "it sent a frame of no octets"),
    ],
)
def test_the_step_that_does_not_hold_says_what_it_saw(
    faults: list[str], step: str, told: str
) -> None:
    found = wrong(liar(*faults))
    assert next(iter(found)) == step
    assert told in found[step]


@pytest.mark.parametrize(
    ("faults", "step", "told"),
    [
        (["--lie", "stamps"], "listen, a handshake, accept", "stamps a call with a time outside"),
        (["--late", "2.5"], "listen, a handshake, accept", "has not answered listen within 2 s"),
    ],
)
def test_what_a_run_refuses_the_check_refuses_in_the_same_words(
    faults: list[str], step: str, told: str
) -> None:
    found = wrong(liar(*faults, clock=REAL))
    assert list(found) == [step]
    assert told in found[step]


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("backwards", "its clock went from 1000000000000 to 5 when told 1000000000000."),
        ("always-due", "its clock does not get on."),
        ("hangs", "it has not answered advance within 2 s."),
    ],
)
def test_a_virtual_clock_that_is_wrong_ends_the_check(what: str, told: str) -> None:
    file = liar(what, "advance", program="wrong.py", abilities=ABLE & {Ability.CALLS})
    found = wrong(file)
    assert list(found) == ["it knows its neighbour"]
    assert found["it knows its neighbour"].endswith(told)


@pytest.mark.parametrize("clock", [VIRTUAL, REAL])
def test_a_flood_ends_the_check(clock: ClockKind) -> None:
    *odd, told = wrong(liar("--flood", clock=clock)).values()
    assert all("no segment of a case: ethertype 0x0000" in one for one in odd)
    assert "it floods its wire: more than 20000 frames" in told


@pytest.mark.parametrize("clock", [VIRTUAL, REAL])
def test_a_program_may_write_much_to_its_stderr(clock: ClockKind) -> None:
    assert wrong(liar("--shout", "200000", clock=clock)) == {}


@pytest.mark.parametrize("clock", [VIRTUAL, REAL])
def test_a_step_that_fails_shows_the_program_s_last_words(clock: ClockKind) -> None:
    prefix = ["sh", "-c", 'echo "no timer is left" >&2; exec "$@"', "sh"]
    found = wrong(liar("--lie", "drop-fin", clock=clock, prefix=prefix))
    assert found["shutdown and close"] == "no FIN comes; its last words: no timer is left"


@pytest.mark.parametrize("clock", [VIRTUAL, REAL])
def test_a_stack_without_timers_is_not_wired_right(clock: ClockKind) -> None:
    assert wrong(liar("--lie", "no-timers", clock=clock)) == {
        "what nobody acknowledges is sent again": "no SYN,ACK comes again within 2.5 s, its first "
        "RTO being 1 s by the profile: do its timers run?"
    }


def test_a_server_that_sends_nothing_again_is_wired() -> None:
    """No glue stands between it and its timers."""
    able = ABLE & {Ability.IPV6}
    file = liar("--no-timers", clock=REAL, program="servers.py", control=Control.NONE)
    found = steps(replace(file, abilities=able, serves={Server.ECHO: 7}))
    ok, told = found["what nobody acknowledges is sent again"]
    assert ok
    assert told == (
        "wired; the stack does otherwise: no SYN,ACK comes again within 2.5 s, its first RTO being "
        "1 s by the profile (RFC 9293 3.8.1)"
    )


def test_every_option_of_the_file_is_set() -> None:
    able = ABLE | {Ability.OPTIONS}
    names = {"nagle": "nagle", "msl": "msl", "sack": "sack"}
    found = steps(liar(abilities=able, options=names))
    assert found["options"] == (True, "nagle msl sack")
    assert found["abilities"] == (True, "ACTIVE-OPEN CALLS INFO IPV6 OPTIONS STATE; on trust: ICMP")


def test_an_option_that_the_glue_does_not_set_is_named() -> None:
    able = ABLE | {Ability.OPTIONS}
    names = {"nagle": "TCP_NAGLE", "mss": "nagle", "sack": "sack"}
    found = wrong(liar(abilities=able, options=names))
    assert found["options"] == (
        "nagle: the glue has no setting TCP_NAGLE (ENOPROTOOPT); "
        "mss: nagle takes none of 1000 (EINVAL)"
    )
    assert found["abilities"].endswith("; not shown: OPTIONS")


def test_every_option_that_a_file_may_name_has_a_value_to_try() -> None:
    assert set(VALUES) == KNOWN
    for name in VALUES.keys() & OPTIONS.keys():
        for value in VALUES[name]:
            changed(Config(), name, value)


@pytest.mark.parametrize("clock", [VIRTUAL, REAL])
@pytest.mark.parametrize(
    ("lie", "step", "told"),
    [
        ("knows-all", "what is no request", "an unknown call gives 0, not ENOSYS"),
        ("mute", "what is no request", "not answered a line that is no request within 2 s"),
        ("faints", "what is no frame", "has ended (exit status 1); its last words: it faints at"),
    ],
)
def test_what_is_none_is_no_reason_to_fall(
    lie: str, step: str, told: str, clock: ClockKind
) -> None:
    found = wrong(liar("--lie", lie, clock=clock))
    assert list(found) == [step]
    assert told in found[step]


def test_what_was_claimed_and_not_shown_is_said_at_the_end() -> None:
    found = steps(liar("--claim", "STATE"))
    assert found["abilities"][1].endswith("; not shown: STATE")
    assert {name: told for name, (ok, told) in found.items() if not ok} == {
        "state": "state returns ENOSYS"
    }


def test_a_missing_call_is_one_line_that_says_what_may_be_written() -> None:
    told = "shutdown returns ENOSYS: lacks: [HALF-CLOSE] if it has none"
    assert wrong(liar("--refuse", "shutdown", "ENOSYS")) == {"shutdown and close": told}


def test_what_a_stack_does_otherwise_is_no_fault_of_its_wiring() -> None:
    found = steps(liar("--lie", "wrong-reset"))
    ok, told = found["a SYN to a closed port is reset"]
    assert ok
    assert told.startswith("wired; the stack does otherwise: RST acknowledges ")
    assert told.endswith("(RFC 9293 3.10.7.1)")
    assert wrong(liar("--lie", "wrong-reset")) == {}


@pytest.mark.parametrize("call", ["socket", "bind"])
def test_socket_and_bind_need_not_be_there(call: str) -> None:
    found = steps(liar("--refuse", call, "ENOSYS"))
    assert found["socket and bind"] == (True, f"it has no {call}")
    assert all(ok for ok, _ in found.values())


def test_calls_are_not_shown_where_one_of_them_fails() -> None:
    told = wrong(liar("--lie", "drop-fin"))["abilities"]
    assert told == "ACTIVE-OPEN INFO IPV6; on trust: ICMP; not shown: CALLS STATE"


def test_a_server_without_calls() -> None:
    able = ABLE & {Ability.IPV6}
    file = liar(clock=REAL, program="servers.py", control=Control.NONE, abilities=able)
    file = replace(file, serves={Server.DISCARD: 9, Server.ECHO: 7, Server.CHARGEN: 19})
    assert list(steps(file).items())[:7] == [
        ("the program starts", (True, "fd")),
        ("its address is answered for", (True, "it answers ARP")),
        ("a SYN to a closed port is reset", (True, "RST,ACK")),
        ("discard on port 9", (True, "it takes 10 octets")),
        ("echo on port 7", (True, "10 octets come back")),
        ("chargen on port 19", (True, "536 octets of the stream function")),
        ("what nobody acknowledges is sent again", (True, "the SYN,ACK")),
    ]
    assert wrong(file) == {}
    found = wrong(replace(file, command=(*file.command, "--silent")))
    assert found == {
        **{f"{server} on port {port}": "no SYN,ACK comes" for server, port in file.serves.items()},
        "what nobody acknowledges is sent again": "no SYN,ACK comes",
        "the same over IPv6": "no SYN,ACK comes",
        "abilities": "none; not shown: IPV6",
    }


def test_a_server_of_another_kind() -> None:
    able = ABLE & {Ability.IPV6}
    file = liar("--wrong", clock=REAL, program="servers.py", control=Control.NONE, abilities=able)
    file = replace(file, serves={Server.DISCARD: 19, Server.ECHO: 7, Server.CHARGEN: 9})
    found = wrong(file)
    assert found["echo on port 7"].startswith("it sends b'1032547698' where b'0123456789'")
    assert found["chargen on port 9"] == "no text comes"
    file = replace(file, serves={Server.CHARGEN: 19})
    assert wrong(file)["chargen on port 19"].startswith("it sends 77726f6e67, not the stream's 00")


def test_an_interface_is_not_touched_without_a_word() -> None:
    file = replace(liar(clock=REAL), wire=WireKind.INTERFACE, interface="lo")
    with pytest.raises(CaseError, match="--own-network says that it may be used"):
        next(probe(file))
