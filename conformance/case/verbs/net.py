"""``net: {loss: 5%}``"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from conformance.case.net import NetText, show_net
from conformance.case.step import Arg, Sibling, Step, Way

_FROM = Sibling(Arg.END, "target or tester: only what this end sends; else both", "sender")


@dataclass(frozen=True, slots=True)
class Net(Step):
    """From here on the network does this to what ``sender`` sends; to both ways if it is empty."""

    verb = "net"
    argument = Arg.NET
    doc = "from here on the network loses, doubles, reorders, delays packets; none: no more"
    siblings = {"from": _FROM}  # noqa: RUF012 - a ClassVar
    way = Way.BETWEEN

    value: NetText
    _: KW_ONLY
    sender: str = ""

    @property
    def needs(self) -> frozenset[str]:
        # Of what is too big a router tells, whose address nobody else may have.
        return frozenset({"ICMP", "OWN-LINK"}) if self.value.mtu else frozenset()

    @property
    def drawn(self) -> str:
        told = show_net(self.value).strip("{}")
        seed = ", seed: 1" if self.value.by_chance and self.value.seed == 1 else ""
        whose = f" of what the {self.sender} sends" if self.sender else ""
        return f"the network: {told}{seed}{whose}"
