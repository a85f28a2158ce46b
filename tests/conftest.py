"""What all tests share: properties are judged by what they find, never by how long they took.

Guests are of the newest kernel that is built. A shell has what it starts in its background ignore
SIGINT, and all that a test starts to interrupt it would: here it is not ignored.
"""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

from conformance.kernel import store

settings.register_profile("conformance", deadline=None)
settings.load_profile("conformance")
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def kernel() -> store.Kernel:
    built = store.kernels()
    if not built:
        pytest.skip("NO KERNEL IS BUILT, so no guest is tested: conformance kernel build 6.12")
    return built[-1]
