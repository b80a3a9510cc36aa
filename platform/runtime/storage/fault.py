"""Named points at which a test may end the process, to show that what is left is wholly before or after."""

from __future__ import annotations

import os

_CRASH_AT = "DACHENG_CRASH_AT"
EXIT_CODE = 137


def point(name: str) -> None:
    """End the process at once, as `kill -9` would, when the environment names this point; else do nothing."""
    if os.environ.get(_CRASH_AT) == name:
        os._exit(EXIT_CODE)
