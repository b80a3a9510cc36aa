"""Defaults of lines while a form is filled in: what a row's untouched fields hold follows the rest of the row."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused
from dacheng.runtime.services import form_defaults
from dacheng.runtime.services.conditions import Subject
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.fields.base import FieldView, Setting, Texts
from dacheng.runtime.web.fields.lines import AUTO, LinesView
from dacheng.runtime.web.view import form_page
from dacheng.runtime.web.view.form import PreparedForm
from dacheng.runtime.web.view.form_place import Place
from dacheng.runtime.web.view.form_state import as_row, subject_of, typed_value

EMPTY: tuple[Json, ...] = (None, "", [])
Column = tuple[Field, FieldView]


def with_line_defaults(
    reader: Reader, work: Work, ref: str, ident: str, prepared: PreparedForm, texts: Texts
) -> dict[str, str]:
    """The texts with every row's untouched defaults as they are for what stands in that row now.

    Untouched is an empty field of a new row, and one that holds what the form put in or, of a stored row,
    what its default said.
    """
    found = dict(texts)
    tables = [(each, view) for each in prepared.places.values() if (view := _table(each, prepared, texts))]
    if not tables:
        return found
    subject = subject_of(reader, work, ref, ident, prepared.read(texts))
    at_hand = AtHand(reader, work.model)
    for place, view in tables:
        child = subject.entities[place.field.to or ""]
        kept = {row["id"]: row for row in at_hand.children(child, ident)} if ident else {}
        columns = view.following(place.field, prepared.setting)
        for index, values in view.rows(place.field, prepared.setting, place.field.id, texts).items():
            row = _Row(f"{place.field.id}.{index}", columns, as_row(subject, child, {}), prepared.setting)
            stored = kept.get(texts.get(f"{row.at}.id", ""))
            before = form_page.was_of(texts.get(f"{row.at}.{AUTO}", ""))
            before = _as_default(work, row, stored) if before is None else before
            found |= _followed(work, row, values, before, texts)
    return found


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a table: where its inputs are, its columns with defaults, and a record to decide them over."""

    at: str
    columns: tuple[Column, ...]
    empty: Subject
    setting: Setting

    def texts(self, column: Column, value: Json) -> dict[str, str]:
        one, shown = column
        return shown.texts(one, self.setting, f"{self.at}.{one.id}", value)

    def with_values(self, values: Mapping[str, Any]) -> Subject:
        return as_row(self.empty, self.empty.entity, values)


def _table(place: Place, prepared: PreparedForm, texts: Texts) -> LinesView | None:
    view = place.view
    if not isinstance(view, LinesView) or not place.writable or not view.sent(place.field.id, texts):
        return None
    return view if view.following(place.field, prepared.setting) else None


def _followed(
    work: Work, row: _Row, values: Mapping[str, Json], before: Texts, texts: Texts
) -> dict[str, str]:
    new = not texts.get(f"{row.at}.id")
    held = {one.id: texts.get(f"{row.at}.{one.id}", "").strip() for one, _ in row.columns}
    free = {name for name, text in held.items() if (text == before.get(name) if text else new)}
    given = {name: value for name, value in values.items() if name not in free}
    columns = [each for each in row.columns if each[0].id in free]
    filled = _settled(work, row, columns, given)
    found: dict[str, str] = {}
    for each in columns:
        found |= row.texts(each, filled.get(each[0].id))
    put_in = {name: text for name in sorted(free) if (text := found.get(f"{row.at}.{name}"))}
    return {**found, f"{row.at}.{AUTO}": orjson.dumps(put_in).decode()}


def _settled(work: Work, row: _Row, free: Iterable[Column], given: Mapping[str, Json]) -> dict[str, Json]:
    """The JSON of a row's defaults; a row in which nothing else stands has none."""
    entity = row.empty.entity
    policy = work.policy.entity(entity.ref)
    if policy is None or all(value in EMPTY for value in given.values()):
        return {}
    subject = row.with_values({name: typed_value(entity, name, each) for name, each in given.items()})
    found = _decided(work, subject, free, given.keys(), policy.readable)
    return {name: entity.fields[name].codec.json(value) for name, value in found.items()}


def _as_default(work: Work, row: _Row, stored: Mapping[str, Any] | None) -> dict[str, str]:
    """The texts of a stored row's fields that hold just what their defaults say of it, as far as it is seen."""
    policy = work.policy.entity(row.empty.entity.ref)
    if stored is None or policy is None:
        return {}
    subject = row.with_values({name: each for name, each in stored.items() if name in policy.readable})
    found: dict[str, str] = {}
    for one, shown in row.columns:
        said = _decided(work, subject, [(one, shown)], (), policy.readable).get(one.id)
        if said is not None and said == subject.values.get(one.id):
            found[one.id] = row.texts((one, shown), one.codec.json(said)).get(f"{row.at}.{one.id}", "")
    return found


def _decided(
    work: Work,
    subject: Subject,
    columns: Iterable[Column],
    given: Container[str],
    readable: Container[str],
) -> dict[str, Any]:
    defaults = [(one.id, one.default) for one, _ in columns if one.default is not None]
    try:
        return form_defaults.settle(defaults, subject, work.context, given, readable)
    except Refused:  # the save will say so; a form can do without
        return {}
