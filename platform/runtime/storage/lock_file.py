"""One writing process: an exclusive lock on a file beside the database, held as long as it is open."""

from __future__ import annotations

import os
from pathlib import Path

from dacheng.metadata.problem import refuse

try:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

except ImportError:  # Windows
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]


class LockFile:
    """Taken at once or refused with `storage.second_writer`; the system frees it when the process ends."""

    def __init__(self, database: Path) -> None:
        path = database.with_name(database.name + ".lock")
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(self._descriptor)
        except OSError:
            os.close(self._descriptor)
            raise refuse("storage.second_writer", path=database.name) from None

    def release(self) -> None:
        """Let another process write."""
        os.close(self._descriptor)
