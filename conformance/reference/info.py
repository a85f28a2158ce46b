"""What the reference tells of a connection by tcp_info's names; times in microseconds.

It has no more than RFC 9293, 6298 and 5681 speak of. Linux counts its congestion window in
segments, so here it is told in segments of SendMSS.
"""

from __future__ import annotations

from typing import Final

from conformance.reference.sockets import AppSocket, AppSockets, Args, CallRefused, Result
from conformance.reference.tcb import Tcb
from conformance.tcp.seq import diff
from conformance.tcp.states import State

_BOUNDLESS: Final = 1 << 30  # octets of a slow start threshold that no loss has set
_INFINITE: Final = 0x7FFFFFFF  # how Linux tells such a one


def _avoidance(tcb: Tcb) -> str:
    """Where the reference stands by the names of Linux (RFC 5681, RFC 6298 5.4)."""
    if tcb.retries or any(sent.lost for sent in tcb.unacked):
        return "loss"
    return "recovery" if tcb.dupacks >= 3 else "disorder" if tcb.dupacks else "open"


def info(api: AppSockets, args: Args) -> tuple[AppSocket, Result]:
    """All fields that there are, in one text; ENOTCONN before there is a connection."""
    sock = api.find(args)
    tcb = sock.tcb
    if tcb is None or tcb.state is State.LISTEN:
        raise CallRefused("ENOTCONN")
    infinite = tcb.ssthresh >= _BOUNDLESS
    told = {
        "ca-state": _avoidance(tcb),
        "retransmits": tcb.retries,
        "probes": tcb.probes if tcb.probing else 0,
        "rto": round(tcb.rto * 1e6),
        "rtt": round((tcb.srtt or 0.0) * 1e6),
        "rttvar": round(tcb.rttvar * 1e6),
        "snd-mss": tcb.snd_mss,
        "advmss": tcb.announced_mss,
        "cwnd": tcb.cwnd // tcb.snd_mss,
        "ssthresh": _INFINITE if infinite else tcb.ssthresh // tcb.snd_mss,
        "unacked": len(tcb.unacked),
        "lost": sum(sent.lost for sent in tcb.unacked),
        "notsent-bytes": tcb.unsent,
        "snd-wscale": tcb.snd_scale,
        "rcv-wscale": tcb.rcv_scale,
        "snd-wnd": tcb.snd_wnd,
        "rcv-wnd": max(0, diff(tcb.rcv_adv, tcb.rcv_nxt)),
    }
    return sock, Result(text=" ".join(f"{name}={value}" for name, value in told.items()))
