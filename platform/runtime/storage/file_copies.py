"""Contents of files beside a snapshot: laid there whole, and put back only when every one of them is what it was."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from dacheng.metadata.problem import refuse
from dacheng.runtime.storage.file_store import FileStore

ENDING: Final = ".files"


def folder_of(snapshot: Path) -> Path:
    """Where the contents of a snapshot lie: beside it, under its own name."""
    return snapshot.with_name(snapshot.name + ENDING)


def lay_beside(store: FileStore, digests: Iterable[str], snapshot: Path, *, linked: bool) -> int:
    """Put these contents beside a snapshot; answers how many. What the store itself lost is left out.

    `linked` takes no room where the file system can share a content, which is never changed: it guards against
    removal, not against a disk that fails.
    """
    folder = folder_of(snapshot)
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    count = 0
    for digest in digests:
        try:
            _lay(store.path(digest), unfinished / digest, linked=linked)
        except FileNotFoundError:
            continue
        count += 1
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.replace(folder)
    return count


def _lay(content: Path, target: Path, *, linked: bool) -> None:
    if linked:
        try:
            os.link(content, target)
        except FileNotFoundError:
            raise
        except OSError:  # a file system without links, or with no more of them for this content
            pass
        else:
            return
    shutil.copyfile(content, target)
    target.chmod(0o600)


def demand_sound(snapshot: Path) -> None:
    """Refuse with `storage.check_failed` when a content beside a snapshot is not what its name says."""
    for path in _contents(snapshot):
        with path.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != path.name:
                raise refuse("storage.check_failed", check="snapshot", what=path.name)


def put_back(store: FileStore, snapshot: Path) -> int:
    """Give the store the contents it lacks; answers how many. None is taken away: others may need it."""
    missing = [path for path in _contents(snapshot) if not store.path(path.name).is_file()]
    for path in missing:
        with path.open("rb") as content:
            store.put(content)
    return len(missing)


def _contents(snapshot: Path) -> list[Path]:
    folder = folder_of(snapshot)
    return sorted(folder.iterdir()) if folder.is_dir() else []
