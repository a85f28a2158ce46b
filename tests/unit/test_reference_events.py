"""Every kind of segment in every state, with RFC 5961 and without (RFC 9293 section 3.10.7).

A row: states, stimulus, reply, next state; the last two once for RFC 9293 without RFC 5961 and,
where it differs, once with it. Numbers are the connection's before the stimulus. The reply ``A`` is
<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>; ``-`` is silence; a state of ``=`` is the same as before.
"""

from __future__ import annotations

import pytest

from conformance.reference.machine import Config, Emitted, Returned, Stack, StateEntered
from conformance.tcp.flags import Flags
from conformance.tcp.segment import Segment
from conformance.tcp.seq import wrap
from conformance.tcp.states import State

LOCAL, REMOTE, ISS, IRS = 80, 40000, 0xFFFFFFF0, 5000
LETTERS = {
    "F": Flags.FIN,
    "S": Flags.SYN,
    "R": Flags.RST,
    "P": Flags.PSH,
    "A": Flags.ACK,
    "U": Flags.URG,
}


class Rig:
    """A stack in one state, and its peer."""

    def __init__(self, where: str, **config: object) -> None:
        self.now = 0.0
        self.calls = 0
        self.stack = Stack(Config(iss=ISS, delack=0.0, **config))  # type: ignore[arg-type]
        self._moves: list[State] = []
        self._segments: list[Segment] = []
        self._returns: dict[int, Returned] = {}
        state, _, origin = where.partition("/")
        getattr(self, "to_" + state.replace("-", "_").lower())(origin)
        self.take()
        self._moves.clear()

    def call(self, name: str, /, **args: int | str) -> int:
        self.calls += 1
        self.stack.call(self.calls, name, args, self.now)
        return self.calls

    def _drain(self) -> None:
        for out in self.stack.outputs():
            if isinstance(out, Emitted):
                self._segments.append(out.segment)
            elif isinstance(out, StateEntered) and out.remote_port:
                self._moves.append(out.state)
            elif isinstance(out, Returned):
                self._returns[out.number] = out

    def take(self) -> list[Segment]:
        """What the stack sent since the last time."""
        self._drain()
        taken, self._segments = self._segments, []
        return taken

    @property
    def moves(self) -> list[State]:
        self._drain()
        return self._moves

    def returned(self, number: int) -> Returned | None:
        self._drain()
        return self._returns.get(number)

    @property
    def state(self) -> State:
        return self.stack.state(LOCAL, REMOTE)

    def numbers(self) -> dict[str, int]:
        tcb = self.stack.tcb(LOCAL, REMOTE)
        if tcb is None:
            return {"x": 7000, "y": 9000}
        return {
            "x": 7000, "ISS": ISS, "IRS": IRS, "SND_UNA": tcb.snd_una, "SND_NXT": tcb.snd_nxt,
            "RCV_NXT": tcb.rcv_nxt, "RCV_WND": tcb.rcv_wnd, "MAX_SND_WND": tcb.max_snd_wnd,
        }  # fmt: skip

    def send(self, text: str, numbers: dict[str, int] | None = None) -> Segment:
        segment = self.segment(text, numbers or self.numbers())
        self.stack.arrive(segment, self.now)
        return segment

    def segment(self, text: str, numbers: dict[str, int]) -> Segment:
        letters, *rest = text.split()
        fields = dict(part.split("=") for part in rest)
        values = {name: eval(expr.replace(".", "_"), {}, numbers) for name, expr in fields.items()}
        flags = Flags(0)
        for letter in letters.replace("none", ""):
            flags |= LETTERS[letter]
        return Segment(
            REMOTE, LOCAL, flags, wrap(values.get("seq", 0)), wrap(values.get("ack", 0)),
            values.get("wnd", 65535), values.get("urg", 0), payload=b"x" * values.get("len", 0),
        )  # fmt: skip

    def to_closed(self, _: str) -> None:
        pass

    def to_listen(self, _: str) -> None:
        self.call("listen", port=LOCAL)
        self.call("accept", socket=1)

    def to_syn_sent(self, _: str) -> None:
        self.call("socket")
        self.call("bind", socket=1, port=LOCAL)
        self.call("connect", socket=1, port=REMOTE)

    def to_syn_received(self, origin: str) -> None:
        if origin == "active":
            self.to_syn_sent("")
        else:
            self.to_listen("")
        self.send(f"S seq={IRS}")

    def to_established(self, origin: str) -> None:
        if origin == "active":
            self.to_syn_sent("")
            self.send(f"SA seq={IRS} ack=ISS+1")
        else:
            self.to_syn_received("")
            self.send("A seq=RCV.NXT ack=ISS+1")

    @property
    def handle(self) -> int:
        return 2 if self.stack.state(LOCAL, 1) is State.LISTEN else 1

    def to_fin_wait_1(self, how: str) -> None:
        self.to_established("")
        if how == "close":
            self.call("close", socket=self.handle)
        else:
            self.call("shutdown", socket=self.handle, how="WR")

    def to_fin_wait_2(self, how: str) -> None:
        self.to_fin_wait_1(how)
        self.send("A seq=RCV.NXT ack=SND.NXT")

    def to_close_wait(self, _: str) -> None:
        self.to_established("")
        self.send("FA seq=RCV.NXT ack=SND.NXT")

    def to_closing(self, _: str) -> None:
        self.to_fin_wait_1("")
        self.send("FA seq=RCV.NXT ack=SND.NXT-1")

    def to_last_ack(self, _: str) -> None:
        self.to_close_wait("")
        self.call("shutdown", socket=self.handle, how="WR")

    def to_time_wait(self, _: str) -> None:
        self.to_fin_wait_2("")
        self.send("FA seq=RCV.NXT ack=SND.NXT")


SYNCHRONIZED = (
    "SYN-RECEIVED SYN-RECEIVED/active ESTABLISHED ESTABLISHED/active FIN-WAIT-1 FIN-WAIT-2 "
    "CLOSE-WAIT CLOSING LAST-ACK TIME-WAIT"
)
CLOSABLE = SYNCHRONIZED.removesuffix(" TIME-WAIT")
CONNECTED = "ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSE-WAIT CLOSING LAST-ACK TIME-WAIT"
RECEIVING = "ESTABLISHED FIN-WAIT-1 FIN-WAIT-2"
DEAF = "CLOSE-WAIT CLOSING LAST-ACK TIME-WAIT"
REFUSAL = "RA seq=0 ack=SEG.END"

# states | stimulus | reply -> next | with RFC 5961, if different
TABLE = f"""
CLOSED | R seq=x | - -> =
CLOSED | RA seq=x ack=y | - -> =
CLOSED | RS seq=x len=4 | - -> =
CLOSED | S seq=x | {REFUSAL} -> =
CLOSED | P seq=x len=10 | {REFUSAL} -> =
CLOSED | SF seq=x len=10 | {REFUSAL} -> =
CLOSED LISTEN | A seq=x ack=y | R seq=y -> =
CLOSED LISTEN | SA seq=x ack=y | R seq=y -> =
CLOSED LISTEN | FA seq=x ack=y | R seq=y -> =
CLOSED LISTEN | UA seq=x ack=y len=10 urg=5 | R seq=y -> =
LISTEN | R seq=x | - -> =
LISTEN | RS seq=x | - -> =
LISTEN | RA seq=x ack=y | - -> =
LISTEN | S seq=x | SA seq={ISS} ack=x+1 -> SYN-RECEIVED
LISTEN | S seq=x len=10 | SA seq={ISS} ack=x+1 -> SYN-RECEIVED
LISTEN | SF seq=x | SA seq={ISS} ack=x+1 -> SYN-RECEIVED
LISTEN | SU seq=x len=10 urg=5 | SA seq={ISS} ack=x+1 -> SYN-RECEIVED
LISTEN | FP seq=x len=10 | - -> =
LISTEN | none seq=x | - -> =
SYN-SENT | A seq=x ack=ISS | R seq=ISS -> =
SYN-SENT | SA seq=x ack=ISS | R seq=ISS -> =
SYN-SENT | SA seq=x ack=SND.NXT+1 | R seq=SND.NXT+1 -> =
SYN-SENT | RA seq=x ack=SND.NXT+1 | - -> =
SYN-SENT | RA seq=0 ack=SND.NXT | - -> CLOSED
SYN-SENT | R seq=x | - -> =
SYN-SENT | SA seq=x ack=ISS+1 | A seq=SND.NXT ack=x+1 -> ESTABLISHED
SYN-SENT | S seq=x | SA seq=ISS ack=x+1 -> SYN-RECEIVED
SYN-SENT | SA seq=x ack=ISS+1 len=10 | A seq=SND.NXT ack=x+11 -> ESTABLISHED
SYN-SENT | SFA seq=x ack=ISS+1 | A seq=SND.NXT ack=x+2 -> CLOSE-WAIT
SYN-SENT | SUA seq=x ack=ISS+1 len=10 urg=5 | A seq=SND.NXT ack=x+11 -> ESTABLISHED
SYN-SENT | A seq=x ack=ISS+1 | - -> =
SYN-SENT | FP seq=x len=10 | - -> =
{SYNCHRONIZED} | PA seq=RCV.NXT-10 ack=SND.UNA len=10 | A -> =
{SYNCHRONIZED} | PA seq=RCV.NXT+RCV.WND ack=SND.UNA len=1 | A -> =
{SYNCHRONIZED} | A seq=RCV.NXT-1 ack=SND.UNA | A -> =
{SYNCHRONIZED} | R seq=RCV.NXT-1 | - -> =
{SYNCHRONIZED} | R seq=RCV.NXT+RCV.WND | - -> =
{SYNCHRONIZED} | P seq=RCV.NXT len=10 | - -> =
{CLOSABLE} | S seq=RCV.NXT+RCV.WND+1000 | A -> =
SYN-RECEIVED SYN-RECEIVED/active | S seq=IRS | A -> =
SYN-RECEIVED | R seq=RCV.NXT | - -> LISTEN
SYN-RECEIVED | R seq=RCV.NXT+1 | - -> LISTEN | A -> =
SYN-RECEIVED | R seq=RCV.NXT len=30 | - -> LISTEN
SYN-RECEIVED | S seq=RCV.NXT+5 | - -> LISTEN
SYN-RECEIVED/active {CONNECTED} | R seq=RCV.NXT | - -> CLOSED
SYN-RECEIVED/active {CONNECTED} | R seq=RCV.NXT+1 | - -> CLOSED | A -> =
SYN-RECEIVED/active {CONNECTED} | R seq=RCV.NXT len=30 | - -> CLOSED
SYN-RECEIVED/active {CONNECTED} | SA seq=RCV.NXT+5 ack=SND.NXT | R seq=SND.NXT -> CLOSED | A -> =
SYN-RECEIVED/active ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSE-WAIT CLOSING LAST-ACK | \
    S seq=RCV.NXT+5 | {REFUSAL} -> CLOSED | A -> =
SYN-RECEIVED SYN-RECEIVED/active | A seq=RCV.NXT ack=ISS+1 | - -> ESTABLISHED
SYN-RECEIVED/active | SA seq=IRS ack=ISS+1 | - -> ESTABLISHED
SYN-RECEIVED SYN-RECEIVED/active | A seq=RCV.NXT ack=ISS | R seq=ISS -> =
SYN-RECEIVED SYN-RECEIVED/active | A seq=RCV.NXT ack=SND.NXT+1 | R seq=SND.NXT+1 -> = | A -> =
SYN-RECEIVED SYN-RECEIVED/active | A seq=RCV.NXT ack=SND.UNA-MAX.SND.WND-1 | \
    R seq=SND.UNA-MAX.SND.WND-1 -> = | A -> =
SYN-RECEIVED SYN-RECEIVED/active | UPA seq=RCV.NXT ack=ISS+1 len=10 urg=5 | \
    A seq=SND.NXT ack=RCV.NXT+10 -> ESTABLISHED
SYN-RECEIVED SYN-RECEIVED/active | PA seq=RCV.NXT ack=ISS+1 len=10 | \
    A seq=SND.NXT ack=RCV.NXT+10 -> ESTABLISHED
SYN-RECEIVED SYN-RECEIVED/active | FA seq=RCV.NXT ack=ISS+1 | \
    A seq=SND.NXT ack=RCV.NXT+1 -> CLOSE-WAIT
{RECEIVING} | PA seq=RCV.NXT-5 ack=SND.UNA len=10 | A seq=SND.NXT ack=RCV.NXT+5 -> =
{RECEIVING} | PA seq=RCV.NXT ack=SND.UNA-MAX.SND.WND-1 len=10 | \
    A seq=SND.NXT ack=RCV.NXT+10 -> = | A -> =
{DEAF} | PA seq=RCV.NXT ack=SND.UNA-MAX.SND.WND-1 len=10 | - -> = | A -> =
{CONNECTED} | PA seq=RCV.NXT ack=SND.NXT+1 len=10 | A -> =
{CONNECTED} | A seq=RCV.NXT ack=SND.UNA | - -> =
{RECEIVING} | UPA seq=RCV.NXT ack=SND.UNA len=10 urg=5 | A seq=SND.NXT ack=RCV.NXT+10 -> =
{RECEIVING} | PA seq=RCV.NXT ack=SND.UNA len=10 | A seq=SND.NXT ack=RCV.NXT+10 -> =
{RECEIVING} | PA seq=RCV.NXT+10 ack=SND.UNA len=10 | A -> =
{RECEIVING} | FA seq=RCV.NXT+10 ack=SND.UNA | A -> =
{DEAF} | UA seq=RCV.NXT ack=SND.UNA urg=5 | - -> =
{DEAF} | PA seq=RCV.NXT ack=SND.UNA len=10 | - -> =
{DEAF} | FA seq=RCV.NXT-1 ack=SND.UNA | A -> =
{DEAF} | FA seq=RCV.NXT ack=SND.UNA | - -> =
ESTABLISHED ESTABLISHED/active | FA seq=RCV.NXT ack=SND.NXT | \
    A seq=SND.NXT ack=RCV.NXT+1 -> CLOSE-WAIT
ESTABLISHED | FPA seq=RCV.NXT ack=SND.NXT len=10 | A seq=SND.NXT ack=RCV.NXT+11 -> CLOSE-WAIT
FIN-WAIT-1 | A seq=RCV.NXT ack=SND.NXT | - -> FIN-WAIT-2
FIN-WAIT-1 | FA seq=RCV.NXT ack=SND.NXT-1 | A seq=SND.NXT ack=RCV.NXT+1 -> CLOSING
FIN-WAIT-1 | FA seq=RCV.NXT ack=SND.NXT | A seq=SND.NXT ack=RCV.NXT+1 -> TIME-WAIT
FIN-WAIT-1/close | PA seq=RCV.NXT ack=SND.UNA len=10 | R seq=SND.UNA -> CLOSED
FIN-WAIT-2/close | PA seq=RCV.NXT ack=SND.NXT len=10 | R seq=SND.NXT -> CLOSED
FIN-WAIT-2 FIN-WAIT-2/close | FA seq=RCV.NXT ack=SND.NXT | A seq=SND.NXT ack=RCV.NXT+1 -> TIME-WAIT
CLOSING | A seq=RCV.NXT ack=SND.NXT | - -> TIME-WAIT
CLOSING | A seq=RCV.NXT ack=SND.NXT-1 | - -> =
LAST-ACK | A seq=RCV.NXT ack=SND.NXT | - -> CLOSED
TIME-WAIT | S seq=RCV.NXT+100000 | SA seq={ISS}+(1<<24) ack=RCV.NXT+100001 -> SYN-RECEIVED
TIME-WAIT | S seq=RCV.NXT-100000 | A -> =
"""


def rows() -> list[tuple[str, str, str, bool]]:
    found = []
    for line in TABLE.replace("\\\n", " ").strip().splitlines():
        states, stimulus, base, *modern = [part.strip() for part in line.split("|")]
        for state in states.split():
            found.append((state, stimulus, base, False))
            found.append((state, stimulus, modern[0] if modern else base, True))
    return found


@pytest.mark.parametrize(("where", "stimulus", "expected", "rfc5961"), rows())
def test_segment_arrives(where: str, stimulus: str, expected: str, rfc5961: bool) -> None:
    rig = Rig(where, rfc5961=rfc5961)
    state = where.partition("/")[0]
    assert rig.state == state
    reply, _, following = (part.strip() for part in expected.partition("->"))
    numbers = rig.numbers()
    arrived = rig.send(stimulus, numbers)
    numbers["SEG_END"] = arrived.end
    if reply == "A":
        reply = "A seq=SND.NXT ack=RCV.NXT"
    wanted = [] if reply == "-" else [rig.segment(reply, numbers)]
    assert [(s.flags, s.seq, s.ack, s.payload) for s in rig.take()] == [
        (s.flags, s.seq, s.ack, s.payload) for s in wanted
    ]
    listener = rig.stack.state(LOCAL, 1) is State.LISTEN
    if following == "CLOSED" and listener and state != "CLOSED":
        assert rig.moves[-1] is State.CLOSED
    else:
        assert rig.state == (state if following == "=" else following)


@pytest.mark.parametrize("where", ["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"])
def test_a_gap_is_filled(where: str) -> None:
    rig = Rig(where)
    numbers = rig.numbers()
    rig.send("PA seq=RCV.NXT+10 ack=SND.UNA len=10", numbers)
    rig.send("FA seq=RCV.NXT+20 ack=SND.UNA", numbers)
    rig.take()
    rig.send("PA seq=RCV.NXT ack=SND.UNA len=10", numbers)
    assert [s.ack for s in rig.take()] == [numbers["RCV_NXT"] + 21]
    assert rig.moves[-1] in (State.CLOSE_WAIT, State.CLOSING, State.TIME_WAIT)


@pytest.mark.parametrize("where", ["ESTABLISHED", "FIN-WAIT-1", "CLOSE-WAIT", "FIN-WAIT-2"])
def test_abort_sends_a_reset(where: str) -> None:
    rig = Rig(where)
    numbers = rig.numbers()
    rig.call("abort", socket=2)
    assert [(s.flags, s.seq) for s in rig.take()] == [(Flags.RST, numbers["SND_NXT"])]
    assert rig.moves == [State.CLOSED]


@pytest.mark.parametrize("where", ["CLOSING", "LAST-ACK", "TIME-WAIT"])
def test_abort_is_silent_when_both_sides_have_closed(where: str) -> None:
    rig = Rig(where)
    rig.call("abort", socket=2)
    assert rig.take() == []
    assert rig.moves == [State.CLOSED]


@pytest.mark.parametrize("where", SYNCHRONIZED.split())
@pytest.mark.parametrize("offset", [0, 4, 6, 15])
def test_a_wrong_data_offset_never_raises(where: str, offset: int) -> None:
    rig = Rig(where)
    rig.stack.arrive(Segment(REMOTE, LOCAL, Flags.ACK, 0, 0, offset=offset), 0.0)


@pytest.mark.parametrize("broken", [{"checksum": 1}, {"trouble": ("too short",)}])
def test_broken_segments_are_dropped(broken: dict[str, object]) -> None:
    rig = Rig("CLOSED")
    rig.stack.arrive(Segment(REMOTE, LOCAL, Flags.SYN, 1, **broken), 0.0)  # type: ignore[arg-type]
    assert rig.take() == []
