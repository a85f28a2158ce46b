"""The liar, but nothing makes it forget: it has no call ``reset``."""

from __future__ import annotations

import liar


class Hermit(liar.Liar):
    """It refuses one call."""

    def reset(self) -> None:
        raise NotImplementedError


if __name__ == "__main__":
    Hermit(liar.arguments()).serve()
