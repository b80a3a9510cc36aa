"""What a field's change of kind would do to the values there are: how many fail, and some of them; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from dacheng.runtime.services.site import Site
from dacheng.runtime.storage import retype
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.tables import EntityTable

SAMPLES = 10


@dataclass(frozen=True, slots=True)
class RetypePreview:
    """One field: `values` it holds, how many of them are `failing` to become the new kind, and up to ten such texts."""

    entity: str
    field: str
    kinds: tuple[str, str]
    values: int
    failing: int
    samples: tuple[str, ...]

    def json(self) -> dict[str, Any]:
        """As the command and the API tell it."""
        return {
            "entity": self.entity,
            "field": self.field,
            "from": self.kinds[0],
            "to": self.kinds[1],
            "values": self.values,
            "failing": self.failing,
            "samples": list(self.samples),
        }


def preview_retypes(site: Site, before: Model, after: Model) -> tuple[RetypePreview, ...]:
    """Every field that changes what it holds, counted in batches, each within the time a question may take."""
    return tuple(_previews(site, before, after))


def _previews(site: Site, before: Model, after: Model) -> Iterator[RetypePreview]:
    for ref, made in after.tables.by_entity.items():
        was = before.tables.by_entity.get(ref)
        if was is not None:
            yield from (_preview(site, was, made, name) for name in retype.retyped(was, made))


def _preview(site: Site, was: EntityTable, made: EntityTable, name: str) -> RetypePreview:
    values, failing = 0, 0
    last: int | None = 0
    samples: list[str] = []
    while last is not None:
        batch = site.db.read_now(partial(retype.try_some, before=was, after=made, name=name, last=last))
        values += batch.values
        failing += len(batch.failing)
        samples += batch.failing[: SAMPLES - len(samples)]
        last = batch.last
    kinds = (was.entity.fields[name].kind, made.entity.fields[name].kind)
    return RetypePreview(made.entity.ref, name, kinds, values, failing, tuple(samples))
