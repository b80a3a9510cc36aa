"""All records of an app as CSV files, one per entity; for the operator, before an app leaves."""

from __future__ import annotations

from pathlib import Path

from dacheng.metadata.problem import refuse
from dacheng.runtime.services.export_records import Export, export
from dacheng.runtime.services.install_app import app_of
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work


def to_folder(site: Site, work: Work, app: str, folder: Path) -> tuple[Path, ...]:
    """Write `{entity}.csv` for every entity that is not lines of another; answers the files."""
    entities = app_of(site.model().catalogue, app).entities.values()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refuse("install.export_folder", name=str(folder)) from error
    written = []
    for entity in entities:
        if entity.parent is None:
            path = folder / f"{entity.id}.csv"
            with path.open("w", encoding="utf-8-sig", newline="") as stream:
                stream.writelines(export(site, work, Export(entity.ref, headings="ids")))
            written.append(path)
    return tuple(written)
