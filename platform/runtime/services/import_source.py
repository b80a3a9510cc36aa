"""The file of an import: its bytes as they came, kept beside the data so that an import can go on after a stop."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dacheng.metadata.problem import refuse
from dacheng.runtime.services.import_table import Table, read_table
from dacheng.runtime.services.site import Site
from dacheng.runtime.storage.imports import Run

FOLDER = "imports"


@dataclass(frozen=True, slots=True)
class Source:
    """A file to import; `encoding`, `delimiter` and `sheet` empty: detected, and the first sheet."""

    name: str
    content: bytes
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""

    @property
    def hash(self) -> str:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.content).hexdigest()

    def read(self, site: Site) -> Table:
        """The file as rows; one that is too large is refused."""
        if len(self.content) > site.settings.max_upload_bytes:
            raise refuse("import.too_large", size=len(self.content), limit=site.settings.max_upload_bytes)
        return read_table(self.content, encoding=self.encoding, delimiter=self.delimiter, sheet=self.sheet)


def keep(site: Site, run: str, source: Source) -> None:
    """Put the file beside the data, readable by its owner alone."""
    path = _path(site, run)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.write_bytes(source.content)


def kept(site: Site, run: Run) -> Source:
    """The file an import began with, to be read as then; `import.other_file` when it is gone."""
    how = run.detail
    try:
        content = _path(site, run.id).read_bytes()
        return Source(run.file_name, content, how["encoding"], how["delimiter"], how.get("sheet", ""))
    except FileNotFoundError:
        raise refuse("import.other_file") from None


def forget(site: Site, run: str) -> None:
    """Remove the file."""
    _path(site, run).unlink(missing_ok=True)


def after(table: Table, position: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The rows behind a position."""
    return (pair for pair in table.rows() if pair[0] > position)


def _path(site: Site, run: str) -> Path:
    return site.settings.data / FOLDER / f"{run}.csv"
