"""Snapshots: before every change of what is installed, and when the operator asks; put back whole."""

from __future__ import annotations

import re
import shutil
from datetime import datetime
from pathlib import Path

from dacheng.metadata.problem import refuse
from dacheng.runtime.services.site import Site
from dacheng.runtime.settings import Settings
from dacheng.runtime.storage import file_copies, file_rows, snapshot
from dacheng.runtime.storage.file_store import FileStore

FOLDER = "backups"
KEPT = 5


def before(site: Site, what: str, now: datetime) -> str:
    """A snapshot named after what is about to happen; of these the last five files are kept."""
    plain = re.sub(r"[^a-z0-9]+", "_", what.lower()).strip("_")[:20]
    name = f"before_{now:%y%m%d%H%M%S}_{plain}"[:40]
    if site.db.path is None:
        return snapshot.take(site.db, site.settings.data, "before_install")
    folder = site.settings.data / FOLDER
    made = snapshot.take(site.db, folder, name)
    for old in sorted(folder.glob("before_*.db"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return made


def backup(site: Site, target: Path | None, now: datetime) -> str:
    """A snapshot of now with its files beside it: a file at `target` (SQLite), or the name to restore by.

    Records' files are never changed or removed, so those known before or after hold all that the snapshot needs.
    """
    needed = site.db.read_now(file_rows.hashes)
    name = f"backup_{now:%Y%m%d_%H%M%S}"
    made = snapshot.take(site.db, site.settings.data / FOLDER, name)
    if target is not None and site.db.path is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = shutil.move(made, str(target))
    needed.update(site.db.read_now(file_rows.hashes))
    file_copies.lay_beside(
        FileStore(site.settings.data), needed, _place(site.settings, made), linked=target is None
    )
    return str(made)


def restore(settings: Settings, name: str) -> None:
    """Put a SQLite snapshot in the place of the workspace's database, which nobody may have open."""
    path = Path(name)
    if not path.is_file():
        raise refuse("host.no_snapshot", name=name)
    database = Path(settings.database_url.removeprefix("sqlite:///"))
    database.parent.mkdir(parents=True, exist_ok=True)
    _put_files_back(settings, name)
    snapshot.restore_file(path, database)


def restore_in_place(site: Site, name: str) -> None:
    """Put a PostgreSQL snapshot back, in one transaction."""
    _put_files_back(site.settings, name)
    snapshot.restore_schema(site.db, name)


def _put_files_back(settings: Settings, name: str) -> None:
    """Files come before the records that hold them; a damaged one stops the restore before anything is replaced."""
    place = _place(settings, name)
    file_copies.demand_sound(place)
    file_copies.put_back(FileStore(settings.data), place)


def _place(settings: Settings, made: str) -> Path:
    """What a snapshot's files lie beside: its own file, or, for a schema, its name among the backups."""
    return Path(made) if settings.embedded else settings.data / FOLDER / Path(made).name
