"""What all tests share: properties are judged by what they find, never by how long they took."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("conformance", deadline=None)
settings.load_profile("conformance")
