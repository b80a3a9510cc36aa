"""Bytes of files on disk, each under the SHA-256 of its content: written whole or not at all, never changed.

A file is written to a temporary name, flushed to disk and renamed; only then is its row committed. What a
crash leaves behind is a content without a row, which `orphans` finds.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Final

from dacheng.metadata.problem import refuse
from dacheng.runtime.storage import fault

FOLDER: Final = "files"
INCOMING: Final = "incoming"
ORPHAN_SECONDS: Final = 86_400
_HASH = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 18
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class FileStore:
    """The content store of one workspace, below its data folder; readable by its owner alone."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER

    def put(self, content: IO[bytes]) -> tuple[str, int]:
        """Keep everything from the start of a stream; answers its hash and size. A full disk is `file.no_room`."""
        try:
            return self._put(content)
        except OSError as error:
            if error.errno in _FULL:
                raise refuse("file.no_room") from error
            raise

    def path(self, digest: str) -> Path:
        """Where a content lies, or would lie; a text that is no hash leads nowhere."""
        if not _HASH.fullmatch(digest):
            raise refuse("file.missing")
        return self._folder / digest[:2] / digest[2:]

    def _put(self, content: IO[bytes]) -> tuple[str, int]:
        incoming = self._folder / INCOMING
        incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = incoming / secrets.token_hex(16)
        try:
            digest, size = _copy(content, fresh)
            fault.point("files.before_rename")
            target = self.path(digest)
            target.parent.mkdir(exist_ok=True, mode=0o700)
            fresh.replace(target)
            _sync_folder(target.parent)
            fault.point("files.after_rename")
        finally:
            fresh.unlink(missing_ok=True)
        return digest, size

    # -------------------------------------------------------- care
    def kept(self) -> Iterator[str]:
        """The hash of every content on disk."""
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            if _HASH.fullmatch(digest := path.parent.name + path.name):
                yield digest

    def orphans(self, needed: Collection[str]) -> list[str]:
        """Contents a day old that no file needs; younger ones may belong to an upload that is under way."""
        oldest = time.time() - ORPHAN_SECONDS
        left = sorted(set(self.kept()) - set(needed))
        return [digest for digest in left if _modified(self.path(digest)) < oldest]

    def sweep(self, needed: Collection[str]) -> int:
        """Remove what nobody needs and what an upload left unfinished, both only when a day old; answers how many."""
        oldest = time.time() - ORPHAN_SECONDS
        unfinished = (self._folder / INCOMING).glob("*")
        gone = [self.path(digest) for digest in self.orphans(needed)]
        gone += [path for path in unfinished if _modified(path) < oldest]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)


def _copy(content: IO[bytes], fresh: Path) -> tuple[str, int]:
    """Copy to a new file and flush it to disk."""
    content.seek(0)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        shutil.copyfileobj(content, out, _CHUNK)
        out.flush()
        os.fsync(out.fileno())
        size = out.tell()
    with fresh.open("rb") as back:
        return hashlib.file_digest(back, "sha256").hexdigest(), size


def _sync_folder(folder: Path) -> None:
    """The rename itself reaches the disk; Windows has no such thing for folders."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
