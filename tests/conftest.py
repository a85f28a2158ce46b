"""What all tests share: properties are judged by what they find, never by how long they took.

A test that fails leaves sockets and children behind, which its traceback holds: what they have to
say when they go is said of that test, not of the next one that happens to collect them.

Guests are of the newest kernel that is built. A shell has what it starts in its background ignore
SIGINT, nohup SIGHUP, and all that a test starts to end it so would: here neither is ignored.
"""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from conformance.kernel import store

settings.register_profile("conformance", deadline=None)
settings.register_profile("sample", deadline=None, max_examples=20)
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


_FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sample", action="store_true", help="a fixed sample of what takes long")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("sample" if config.getoption("sample") else "conformance")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note that it failed."""
    report = yield
    item.stash[_FAILED] = report.failed or item.stash.get(_FAILED, False)
    return report


@pytest.fixture(autouse=True)
def _own_leavings(request: pytest.FixtureRequest) -> Iterator[None]:
    """Collect what a failure left: after its other fixtures are gone, before pytest listens."""
    yield
    if request.node.stash.get(_FAILED, False):
        for name in ("last_exc", "last_type", "last_value", "last_traceback"):
            vars(sys).pop(name, None)
        gc.collect()


@pytest.fixture(scope="session")
def kernel() -> store.BuiltKernel:
    built = store.kernels()
    if not built:
        pytest.skip("NO KERNEL IS BUILT, so no guest is tested: conformance kernel build 6.12")
    return built[-1]
