"""A folder of one test run, shared by all its workers, for what is made once."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "DACHENG_TEST_RUN"


def reserve() -> None:
    """Make the folder and name it in the environment, before workers are started."""
    folder = tempfile.mkdtemp(prefix="dacheng-run-")
    Path(folder).chmod(0o711)  # the database's own user passes through
    os.environ[VARIABLE] = folder


def remove() -> None:
    """Remove the folder at the run's end."""
    shutil.rmtree(os.environ.pop(VARIABLE), ignore_errors=True)


def part(name: str) -> Path:
    """A subfolder, made on first use."""
    folder = Path(os.environ[VARIABLE]) / name
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def locked(name: str) -> Iterator[Path]:
    """A subfolder that one worker at a time holds."""
    with (Path(os.environ[VARIABLE]) / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield part(name)
