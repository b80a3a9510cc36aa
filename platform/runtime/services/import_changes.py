"""What an import by key would change: records whose stored values would differ, with what stands there now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.text_list import items_of
from dacheng.metadata.problem import Refused
from dacheng.runtime.services import read_records
from dacheng.runtime.services.export_records import words_of
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import records
from dacheng.runtime.storage.reader import Reader

CHUNK = 400
SAMPLES = 10
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one record: as it is and as it would be, in the reader's words."""

    row: int
    record: str
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows that would change nothing, and the first of those that would change something."""

    unchanged: int = 0
    samples: tuple[Change, ...] = ()


def changes(reader: Reader, work: Work, ref: str, rows: Sequence[tuple[int, str, Values]]) -> Changes:
    """Compare (row, record, values) with what is stored; what may not be read is neither compared nor shown."""
    fields = {name: each for name, each in work.entity(ref).readable.items() if not each.is_lines}
    unchanged = 0
    found: list[tuple[int, str, Field, Sequence[Any], Sequence[Any]]] = []
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        now = records.load(reader, work.model, ref, [record for _, record, _ in part])
        for row, record, values in part:
            stored = now[record].stored if record in now else {}
            differing = list(_differing(fields, stored, values))
            unchanged += not differing and set(values) <= set(fields)
            if len(found) < SAMPLES:
                found.extend((row, record, *each) for each in differing)
    return Changes(unchanged, tuple(_said(reader, work, each) for each in found[:SAMPLES]))


def _differing(
    fields: Mapping[str, Field], stored: Mapping[str, Sequence[Any]], values: Values
) -> Iterator[tuple[Field, Sequence[Any], Sequence[Any]]]:
    for name, value in values.items():
        field = fields.get(name)
        if field is None:
            continue
        try:
            after = field.codec.store(value)
        except Refused:
            continue
        before = tuple(stored.get(name, (None,) * len(after)))
        if before != tuple(after):
            yield field, before, after


def _said(reader: Reader, work: Work, found: tuple[int, str, Field, Sequence[Any], Sequence[Any]]) -> Change:
    row, record, field, before, after = found
    return Change(
        row, record, field.id, _text(reader, work, field, before), _text(reader, work, field, after)
    )


def _text(reader: Reader, work: Work, field: Field, stored: Sequence[Any]) -> str:
    if field.is_links:
        ids = items_of(stored[0])
        known = read_records.titles(reader, work, field.to or "", ids)
        return "、".join(known.get(each, "…") for each in ids)
    if not field.is_link:
        return words_of(work, field, by_id=False)(stored)
    if not stored[0]:
        return ""
    return read_records.titles(reader, work, field.to or "", [stored[0]]).get(stored[0], "…")
