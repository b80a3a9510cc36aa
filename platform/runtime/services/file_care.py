"""Are all files there, and is there nothing else: what `doctor` looks at, and the sweep of what nobody came to hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dacheng.metadata.problem import Problem, problem
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
from dacheng.runtime.storage import file_rows
from dacheng.runtime.storage.file_store import FileStore
from dacheng.runtime.storage.reader import Reader

KEPT_MS: Final = 86_400_000
_NAMED = 20


def examine(site: Site, reader: Reader) -> Iterator[Problem]:
    """`file.lost` for files whose bytes are gone, `file.orphans` for old bytes that belong to no file."""
    store = FileStore(site.settings.data)
    needed = file_rows.hashes(reader)
    kept = set(store.kept())
    lost = sorted({ident for digest, ident in needed.items() if digest not in kept})
    for ident in lost[:_NAMED]:
        yield problem("file.lost", id=ident)
    left = store.orphans(needed)
    if left:
        yield problem("file.orphans", count=len(left))


def sweep(site: Site) -> int:
    """Forget files a day old that no record ever held, then remove bytes that nobody needs; answers how many."""
    before = milliseconds(site.work().context.now) - KEPT_MS
    site.db.write_now(lambda tx: file_rows.drop_unused(tx, before), urgent=False)
    needed = site.db.read_now(file_rows.hashes)
    return FileStore(site.settings.data).sweep(needed)
