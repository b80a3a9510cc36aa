"""Snapshots: before every change of what is installed, and when the operator asks; put back whole."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from dacheng.metadata.problem import refuse
from dacheng.runtime.services.site import Site
from dacheng.runtime.settings import Settings
from dacheng.runtime.storage import snapshot

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
    """A snapshot of now: a file at `target` (SQLite), or the name to restore by."""
    name = f"backup_{now:%Y%m%d_%H%M%S}"
    made = snapshot.take(site.db, site.settings.data / FOLDER, name)
    if target is None or site.db.path is None:
        return made
    target.parent.mkdir(parents=True, exist_ok=True)
    return str(Path(made).replace(target))


def restore(settings: Settings, name: str) -> None:
    """Put a SQLite snapshot in the place of the workspace's database, which nobody may have open."""
    path = Path(name)
    if not path.is_file():
        raise refuse("host.no_snapshot", name=name)
    database = Path(settings.database_url.removeprefix("sqlite:///"))
    database.parent.mkdir(parents=True, exist_ok=True)
    snapshot.restore_file(path, database)


def restore_in_place(site: Site, name: str) -> None:
    """Put a PostgreSQL snapshot back, in one transaction."""
    snapshot.restore_schema(site.db, name)
