"""The RTO out of samples of the round-trip time: RFC 6298 section 2, in seconds."""

from __future__ import annotations

from conformance.reference.tcb import StackContext, Tcb

_GRANULARITY = 0.001  # G of RFC 6298 2.3, seconds


def measure(ctx: StackContext, tcb: Tcb, rtt: float) -> None:
    """SRTT, RTTVAR and RTO by RFC 6298 2.2 to 2.5."""
    if tcb.srtt is None:
        tcb.srtt, tcb.rttvar = rtt, rtt / 2
    else:
        tcb.rttvar = 0.75 * tcb.rttvar + 0.25 * abs(tcb.srtt - rtt)
        tcb.srtt = 0.875 * tcb.srtt + 0.125 * rtt
    rto = tcb.srtt + max(_GRANULARITY, 4 * tcb.rttvar)
    tcb.rto = min(max(rto, ctx.config.min_rto), ctx.config.max_rto)
