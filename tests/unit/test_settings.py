"""What a setting is called, what it takes, and what a refusal of it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.agent import agent
from conformance.case.call_words import SOCKET_OPTIONS
from conformance.cli import main
from conformance.targets.settings.options import KNOWN, is_known, sysctls, value_problem
from conformance.targets.settings.surroundings import SURROUNDINGS
from conformance.targets.settings.sysctls import near


def test_each_sysctl_of_this_kernel_is_known() -> None:
    names = [
        "net." + path.relative_to("/proc/sys/net").as_posix().replace("/", ".")
        for tree in ("ipv4", "core")
        for path in Path("/proc/sys/net", tree).glob("*")
        if path.is_file()
    ]
    assert "net.ipv4.tcp_timestamps" in names
    assert [name for name in names if near(name) is not None] == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("net.ipv4.tcp_timestamp", "net.ipv4.tcp_timestamps"),
        ("net.ipv6.tcp_timestamps", "net.ipv4.tcp_timestamps"),
        ("net.ipv4.conf.eth0.rp_filtr", "net.ipv4.conf.eth0.rp_filter"),
        ("net.nosuch.tcp_timestamps", "net.ipv4.tcp_timestamps"),
    ],
)
def test_a_slip_of_the_pen(name: str, meant: str) -> None:
    found = near(name)
    assert found is not None
    assert meant in found


@pytest.mark.parametrize(
    "name", ["net.ipv4.tcp_tw_recycle", "net.ipv6.conf.all.forwarding", "net.netfilter.any"]
)
def test_some_kernel_has_it(name: str) -> None:
    assert near(name) is None


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("timestamps", "on", True),
        ("timestamps", "0", True),
        ("timestamps", "onn", False),
        ("ecn", "2", True),
        ("ecn", "two", False),
        ("congestion-control", "dctcp", True),
        ("congestion-control", "two words", False),
        ("delayed-ack", "40ms", True),
        ("delayed-ack", "soon", False),
        ("syn-retries", "6", True),
        ("syn-retries", "six", False),
    ],
)
def test_what_an_option_takes(name: str, value: str, taken: bool) -> None:
    assert name in KNOWN
    assert (not value_problem(name, value)) is taken


_CONGESTION = "net.ipv4.tcp_congestion_control"


@pytest.mark.parametrize(
    ("name", "value", "lacks", "needs", "known"),
    [
        ("net.ipv4.tcp_ecn", "9", False, (), False),
        ("net.ipv4.tcp_ecn", "9", False, ("net.ipv4.tcp_ecn=9",), True),
        ("net.ipv4.tcp_ecn", "8", False, ("net.ipv4.tcp_ecn=9",), False),
        ("net.ipv4.tcp_ecn", "3", False, (), True),  # AccECN: of Linux since 6.19
        ("net.ipv4.tcp_ecn", "6", False, (), False),
        ("net.ipv4.tcp_mine", "1", True, ("net.ipv4.tcp_mine",), True),
        ("net.ipv4.tcp_fack", "1", True, (), True),
        (_CONGESTION, "vegas", True, (), True),
        (_CONGESTION, "cubicc", True, (), False),
        (_CONGESTION, "mine", True, (f"{_CONGESTION}=mine",), True),
    ],
)
def test_what_a_refusal_means(
    name: str, value: str, lacks: bool, needs: tuple[str, ...], known: bool
) -> None:
    assert is_known(name, value, lacks=lacks, needs=needs) is known


@pytest.mark.parametrize(
    ("name", "value", "sysctl"),
    [
        ("fastopen", "on", {"net.ipv4.tcp_fastopen": "3"}),
        ("fastopen", "off", {"net.ipv4.tcp_fastopen": "0"}),
        ("fastopen", "1", {"net.ipv4.tcp_fastopen": "1"}),
        ("sack", "on", {"net.ipv4.tcp_sack": "1"}),
        ("net.ipv4.tcp_mem", "on", {"net.ipv4.tcp_mem": "on"}),
    ],
)
def test_what_an_option_is_on_linux(name: str, value: str, sysctl: dict[str, str]) -> None:
    assert sysctls(name, value) == sysctl


def test_a_case_can_name_every_socket_option_of_the_agent() -> None:
    assert set(SOCKET_OPTIONS) == set(agent.OPTIONS)


def test_surroundings_set_what_some_linux_has() -> None:
    names = [name for around in SURROUNDINGS.values() for name in around]
    assert [name for name in names if near(name) is not None] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--surroundings", "cubik"], "'cubik': did you mean cubic?"),
        (["--surroundings", "cubic", "--target", "reference"], "reference is neither"),
    ],
)
def test_surroundings_that_are_none_are_told(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "smoke/handshake", *words]) == 2
    assert told in capsys.readouterr().err
