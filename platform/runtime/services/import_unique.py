"""Values of a file that only one record may have: taken already, or there twice in the file itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.definition import Field
from dacheng.metadata.problem import Problem, Refused, problem
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.tables import EntityTable

CHUNK = 400
Held = Mapping[str, tuple[Any, ...]]  # what each record holds in a group of fields


@dataclass(frozen=True, slots=True)
class Row:
    """One row that would be stored: the record it changes or none, and its typed values by field.

    `key` is what it is found again by: rows with one key make one record.
    """

    number: int
    key: str
    record: str | None
    values: Mapping[str, Any]

    @property
    def holder(self) -> str:
        """Whose values these are, told apart from every other record."""
        return self.record or (f"key {self.key}" if self.key else f"row {self.number}")


def taken(reader: Reader, work: Work, ref: str, rows: Sequence[Row]) -> Iterator[tuple[int, Problem]]:
    """The rows, in the order of the file, whose value another record or an earlier row has."""
    made = work.model.tables.entity(ref)
    groups: list[tuple[str, ...]] = [(name,) for name, each in made.entity.fields.items() if each.unique]
    groups += [tuple(group) for group in made.entity.unique_together]
    given = {name for row in rows for name in row.values}
    refused: set[int] = set()
    for group in groups:
        if given.isdisjoint(group):
            continue
        for number in _taken_in(reader, made, group, [each for each in rows if each.number not in refused]):
            refused.add(number)
            yield number, problem("record.duplicate", f"/{group[0]}", field=", ".join(group))


def _taken_in(
    reader: Reader, made: EntityTable, group: tuple[str, ...], rows: Sequence[Row]
) -> Iterator[int]:
    """Row after row as the import would go: what a row leaves is free for those behind it."""
    held = dict(_held(reader, made, group, rows))
    holders = {value: record for record, value in held.items() if None not in value}
    for row in rows:
        before = held.get(row.holder)
        value = _value(made, group, row, before)
        if value is None or value == before:
            continue
        if holders.setdefault(value, row.holder) != row.holder:
            yield row.number
            continue
        if before is not None and holders.get(before) == row.holder:
            del holders[before]
        held[row.holder] = value


def _held(reader: Reader, made: EntityTable, group: tuple[str, ...], rows: Sequence[Row]) -> Held:
    """What living records hold that have one of these values, or that the rows change."""
    columns = [column for name in group for column in made.columns[name]]
    first = {_stored(made.entity.fields[group[0]], row.values.get(group[0]))[0] for row in rows} - {None}
    changed = {row.record for row in rows if row.record is not None}
    found: dict[str, tuple[Any, ...]] = {}
    for column, wanted in ((columns[0], list(first)), (made.table.c.id, list(changed))):
        for start in range(0, len(wanted), CHUNK):
            query = sa.select(made.table.c.id, *columns).where(
                column.in_(wanted[start : start + CHUNK]), made.deleted_at.is_(None)
            )
            found.update((row[0], tuple(row[1:])) for row in reader.rows(query))
    return found


def _value(
    made: EntityTable, group: tuple[str, ...], row: Row, before: tuple[Any, ...] | None
) -> tuple[Any, ...] | None:
    """What the row would hold in the group; None where a part is missing, or not known before the import."""
    parts: list[Any] = []
    for name in group:
        width = len(made.columns[name])
        if name in row.values:
            parts.extend(_stored(made.entity.fields[name], row.values[name]))
        else:
            parts.extend(before[len(parts) : len(parts) + width] if before is not None else (None,) * width)
    return None if None in parts else tuple(parts)


def _stored(field: Field, value: Any) -> tuple[Any, ...]:
    if value == "":  # a link to a record that the import will make
        value = None
    try:
        return tuple(field.codec.store(value))
    except Refused:
        return (None,) * len(field.codec.columns)
