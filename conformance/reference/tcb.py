"""The transmission control block, and what all parts of the machine share.

Field names are the RFC's in lower case: SND.UNA is ``snd_una``. Sequence numbers are 32-bit and
compared with :func:`conformance.tcp.seq.diff`; windows are octets, already scaled.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from conformance.reference.config import Config
from conformance.reference.outputs import Output
from conformance.reference.transitions import Rows
from conformance.tcp.options import FastOpen
from conformance.tcp.seq import diff, wrap
from conformance.tcp.states import State

# Header bits as plain integers: an IntFlag costs a microsecond an operation.
FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
PSH: Final = 0x08
ACK: Final = 0x10
URG: Final = 0x20


class Timer(Enum):
    """The timers of a connection."""

    RETRANSMIT = auto()  # RFC 6298
    PERSIST = auto()  # RFC 9293 3.8.6.1; also the override of 3.8.6.2.1
    DELACK = auto()  # 3.8.6.3
    TIME_WAIT = auto()  # 3.10.8
    KEEPALIVE = auto()  # 3.8.4
    USER = auto()  # 3.10.8, and R2 of 3.8.3


@dataclass(slots=True)
class QueuedSegment:
    """One line of the retransmission queue: a segment that is not yet wholly acknowledged."""

    seq: int
    text: int  # octets
    bits: int  # SYN, FIN and PSH as sent
    at: float  # first transmission, seconds
    again: bool = False  # retransmitted: no RTT sample (Karn)
    lost: bool = False  # a timeout says so; goes again as the congestion window allows
    sacked: bool = False  # reported by the peer, not acknowledged (RFC 2018)
    rescued: bool = False  # sent again in this recovery

    @property
    def end(self) -> int:
        """The first sequence number after it."""
        return wrap(self.seq + self.text + bool(self.bits & SYN) + bool(self.bits & FIN))


@dataclass(frozen=True, slots=True)
class FastOpening:
    """What the first SYN says of TCP Fast Open; ``accepted``: the text of the peer's was taken."""

    option: FastOpen | None
    accepted: bool = False


@dataclass(slots=True, eq=False)
class Tcb:
    """One connection, or one listener (``remote_port`` 0)."""

    local_port: int
    remote_port: int
    rcv_buff: int  # RCV.BUFF, octets
    announced_mss: int
    rto: float  # seconds
    state: State = State.CLOSED
    passive: bool = False
    address: str | None = None  # SECOND, or empty for the first; of a listener None is any
    parent: Tcb | None = None  # the listener of a passive connection
    ready: deque[Tcb] = field(default_factory=deque)  # of a listener: not yet accepted
    backlog: int = 128

    # Send sequence variables (3.3.1)
    iss: int | None = None
    snd_una: int = 0
    snd_nxt: int = 0
    snd_wnd: int = 0
    snd_wl1: int = 0
    snd_wl2: int = 0
    snd_up: int | None = None
    max_snd_wnd: int = 0
    snd_mss: int = 536  # SendMSS, before the options of each segment
    queue: bytearray = field(default_factory=bytearray)  # text from snd_base: unacked, then unsent
    snd_base: int = 0
    unacked: deque[QueuedSegment] = field(default_factory=deque)  # the retransmission queue
    fin_wanted: bool = False  # CLOSE was called: a FIN follows the queue
    fin_seq: int | None = None  # of our FIN, once sent
    close_queued: bool = False  # CLOSE in SYN-RECEIVED with text queued (3.10.4)

    # Receive sequence variables
    irs: int = 0
    rcv_nxt: int = 0
    rcv_edge: int = 0  # the right edge that the buffer stands for
    rcv_adv: int = 0  # the furthest right edge on the wire: rounded up by the scale
    rcv_up: int | None = None
    received: bytearray = field(default_factory=bytearray)  # in order, not yet read
    pieces: list[tuple[int, bytes]] = field(default_factory=list)  # out of order, by SEQ, disjoint
    newest_pieces: list[int] = field(default_factory=list)  # their SEQs, the last first (RFC 2018)
    fin_at: int | None = None  # where the peer's FIN stands, once seen
    fin_received: bool = False  # processed: RCV.NXT is beyond it
    last_ack_sent: int = 0

    # Options agreed on the SYNs
    ts_ok: bool = False
    ts_recent: int = 0
    ts_recent_at: float = 0.0
    sack_ok: bool = False
    snd_scale: int = 0
    rcv_scale: int = 0
    wscale_offered: int | None = None
    ts_offered: bool = False
    sack_offered: bool = False
    fast: FastOpening | None = None
    fastopen: int = 0  # of a listener: how many may be pending (RFC 7413 4.2)

    # Acknowledging
    ack_now: bool = False
    unanswered_text: int = 0  # segments with text since our last ACK

    # Timers and congestion; times in seconds
    deadlines: dict[Timer, float] = field(default_factory=dict)
    srtt: float | None = None
    rttvar: float = 0.0
    retries: int = 0
    waiting_since: float = 0.0
    probing: bool = False  # the one octet of a window probe is out
    probes: int = 0
    cwnd: int = 0
    ssthresh: int = 1 << 30
    dupacks: int = 0
    recovering: bool = False  # between the third duplicate ACK and that of ``recover``
    recover: int | None = None  # SND.NXT at the last loss (RFC 6582)
    last_heard: float = 0.0
    keep_probes: int = 0

    # The user's side
    established: bool = False
    urgent_news: bool = False  # RCV.UP moved on, and nobody was told
    half_duplex_closed: bool = False  # close(): nobody will read (3.6.1)
    error: str = ""
    reports: bool = False  # soft errors are told (3.9.1.8)
    nodelay: bool = False
    cork: bool = False
    more: bool = False
    keepalive: bool = False
    keepidle: float = 7200.0
    keepintvl: float = 75.0
    keepcnt: int = 9
    user_timeout: float | None = None
    ttl: int | None = None  # MUST-49; None: the driver's own
    tos: int | None = None
    md5_key: bytes = b""  # RFC 2385
    syn_retries: int | None = None

    @property
    def rcv_wnd(self) -> int:
        """RCV.WND: octets that the peer may send, by all that it was told (RFC 7323 2.4)."""
        return max(0, diff(self.rcv_adv, self.rcv_nxt))

    @property
    def read_seq(self) -> int:
        """The sequence number of the next octet that the user reads."""
        return wrap(self.rcv_nxt - self.fin_received - len(self.received))

    @property
    def unsent(self) -> int:
        """Octets of text that wait for their first transmission."""
        return max(0, len(self.queue) - diff(self.snd_nxt, self.snd_base))

    @property
    def is_early(self) -> bool:
        """Whether the application has it before its handshake is done (RFC 7413 4.2.2)."""
        taken = self.fast is not None and self.fast.accepted
        return taken and self.state is State.SYN_RECEIVED

    @property
    def fin_pending(self) -> bool:
        """A FIN is wanted and not yet sent."""
        return self.fin_wanted and self.fin_seq is None


# States in which the connection's text and FIN may leave.
MAY_SEND: Final = frozenset(
    (State.ESTABLISHED, State.CLOSE_WAIT, State.FIN_WAIT_1, State.CLOSING, State.LAST_ACK)
)
# States in which the peer's text is taken (seventh check).
MAY_RECEIVE: Final = frozenset((State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2))


class StackContext:
    """What the functions of the machine share: settings, the table, the time, the TCBs."""

    __slots__ = ("config", "cookie", "cookie_mss", "fast_again", "listeners", "now", "opened",
                 "outputs", "rows", "tcbs")  # fmt: skip

    def __init__(self, config: Config, rows: Rows) -> None:
        self.config = config
        self.rows = rows
        self.now = 0.0
        self.opened = 0  # connections so far: each has its ISS
        self.outputs: list[Output] = []
        self.tcbs: dict[tuple[int, int], Tcb] = {}
        self.listeners: dict[int, Tcb] = {}
        self.cookie = b""  # the peer's, and its MSS (RFC 7413 4.1.3)
        self.cookie_mss = 0
        self.fast_again: dict[int, float] = {}  # when to try Fast Open again, by the peer's port

    def new_tcb(self, local_port: int, remote_port: int) -> Tcb:
        """A fresh TCB with the stack's defaults, in CLOSED, not registered."""
        config = self.config
        return Tcb(
            local_port,
            remote_port,
            rcv_buff=config.rcvbuf,
            announced_mss=config.mss,
            rto=config.rto,
            nodelay=not config.nagle,
            keepalive=config.keepalive,
            keepidle=config.keepidle,
            keepintvl=config.keepintvl,
            keepcnt=config.keepcnt,
            syn_retries=config.syn_retries,
        )
