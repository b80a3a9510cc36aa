"""New records of a plain entity, planned by whole columns: what needs no look at a row by itself gets none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dacheng.plugins.context import User
from dacheng.runtime.services.import_columns import ODD, CellColumns, Column, Row
from dacheng.runtime.services.import_links import LinkBook
from dacheng.runtime.services.import_mapping import ImportMapping
from dacheng.runtime.services.plan_write import writable_fields
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import DIRECTORY
from dacheng.runtime.services.write_shape import shape_of
from dacheng.runtime.storage import references, rollups
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.record_batch import RecordBatch

OWNERSHIP = frozenset({"owner", "department"})


@dataclass(frozen=True, slots=True)
class Sheet:
    """Some rows of a file, by columns: stored values and the texts of links, and which places are odd."""

    rows: Sequence[Row]
    stored: Mapping[str, Column]
    texts: Mapping[str, Column]
    odd: frozenset[int]

    def pending(self) -> dict[str, tuple[str, ...]]:
        """The distinct texts to look up, by field."""
        found = {
            name: tuple(text for text in dict.fromkeys(texts) if text) for name, texts in self.texts.items()
        }
        return {name: texts for name, texts in found.items() if texts}


@dataclass(frozen=True, slots=True)
class Bulk:
    """Rows that become new records of an entity to which nothing happens but being stored."""

    work: Work
    ref: str
    columns: CellColumns
    required: tuple[str, ...]
    given: Mapping[str, Any]  # what every record gets beside its cells

    @classmethod
    def of(cls, work: Work, ref: str, mapping: ImportMapping, header: Sequence[str]) -> Bulk | None:
        """The way in bulk, where it leads to the same records as planning each row by itself; else None."""
        shape = shape_of(work, ref)
        policy, names = shape.policy, {each.field for each in mapping.columns}
        quiet = (shape.plain if mapping.rules else shape.bare) and not work.hooks.watches_writes
        made = work.model.tables.entity(ref)
        counted = rollups.over(work.model.tables, made) or names & {
            *references.listing_fields(made),
            *made.joins,
        }
        if not quiet or counted or mapping.key or ref in DIRECTORY or policy.entity.parent is not None:
            return None
        allowed = writable_fields(work, shape, historic=mapping.historic, imported=True)
        if not policy.may("create") or not names <= allowed or names & OWNERSHIP:
            return None
        actor, given = work.context.actor, {}
        if policy.entity.owned and isinstance(actor, User):
            given = {"owner": actor.id, "department": actor.department}
        columns = CellColumns.of(work, ref, mapping, header)
        return cls(work, ref, columns, shape.required, given)

    def read(self, rows: Sequence[Row]) -> Sheet:
        """The rows by columns."""
        stored = self.columns.stored(rows)
        odd = self.columns.too_wide(rows)
        for column in stored.values():
            odd.update(_places(column, ODD))
        return Sheet(rows, stored, self.columns.link_texts(rows), frozenset(odd))

    def settle(self, reader: Reader, book: LinkBook, sheet: Sheet) -> tuple[dict[str, Column], set[int]]:
        """All columns, links as ids; and the places of rows that have to be planned by themselves."""
        columns = {**sheet.stored, **{n: book.ids(n, texts, ODD) for n, texts in sheet.texts.items()}}
        odd = set(sheet.odd)
        at_hand = AtHand(reader, self.work.model)
        for name, target in self.work.entity(self.ref).entity.fields.items():
            if target.is_link and name in columns:
                ids = [each for each in dict.fromkeys(columns[name]) if each is not None and each is not ODD]
                seen = at_hand.visible(self.work, target.to or "", ids) | {None}
                odd.update(place for place, each in enumerate(columns[name]) if each not in seen)
        for name in self.required:
            if name not in columns and name not in self.given:
                odd.update(range(len(sheet.rows)))
            elif name in columns:
                odd.update(_missing(columns[name]))
        return columns, odd

    def batch(self, columns: Mapping[str, Column], odd: set[int], count: int) -> RecordBatch:
        """The records of all rows that are not odd."""
        entity = self.work.entity(self.ref).entity
        kept = [place for place in range(count) if place not in odd]
        ids = [self.work.context.new_id() for _ in kept]
        stored: dict[str, Sequence[Column]] = {}
        for name, column in columns.items():
            values = [column[place] for place in kept] if odd else column
            single = len(entity.fields[name].codec.columns) == 1
            stored[name] = (values,) if single else [list(part) for part in zip(*values, strict=True)]
        stored.update({name: ([value] * len(kept),) for name, value in self.given.items()})
        return RecordBatch(entity, ids, stored if kept else {})


def _missing(column: Column) -> list[int]:
    """Where nothing is stored: in the first physical column, where there are several."""
    if column and not any(type(value) is tuple for value in column):
        return _places(column, None)
    return [place for place, value in enumerate(column) if value is None or value[0] is None]


def _places(column: Column, wanted: Any) -> list[int]:
    if wanted not in column:
        return []
    return [place for place, value in enumerate(column) if value is wanted]
