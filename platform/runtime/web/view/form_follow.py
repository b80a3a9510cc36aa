"""What follows from what stands in a form: defaults nobody touched, values that a chosen record brings, formulas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.runtime.services.conditions import Subject
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.fields.base import FieldView, Texts
from dacheng.runtime.web.fields.computed import is_computed
from dacheng.runtime.web.fields.lines import LinesView
from dacheng.runtime.web.view import form_page
from dacheng.runtime.web.view.form import PreparedForm
from dacheng.runtime.web.view.form_place import Place
from dacheng.runtime.web.view.form_state import as_row, defaults, looked_up, typed_value

AUTO = "_auto"  # the input that says which defaults the form put in
Computed = tuple[str, Field, FieldView, Any]  # input name, field, view, typed value


def with_defaults(
    reader: Reader, work: Work, ref: str, prepared: PreparedForm, texts: Texts
) -> dict[str, str]:
    """The texts of a new record's form, its untouched defaults as they are for what stands in it now.

    Touched is a field that holds something else than the form put in; it stays as it is.
    """
    before = form_page.was_of(texts.get(AUTO, "")) or {}
    free = [name for name in prepared.defaults if _untouched(prepared.places[name], texts, before)]
    given = {name: value for name, value in prepared.read(texts).items() if name not in free}
    form = prepared.form.id if prepared.declared else None
    found = defaults(reader, work, ref, form, given)
    filled: dict[str, str] = {}
    for name in free:
        place = prepared.places[name]
        filled |= place.view.texts(place.field, prepared.setting, name, found.get(name))
    own = {key for name in free for key in form_page.own_texts(prepared.places[name], texts)}
    kept = {key: text for key, text in texts.items() if key not in own}
    return {**kept, **filled, AUTO: form_page.was_text(prepared, filled)}


def _untouched(place: Place, texts: Texts, before: Texts) -> bool:
    """Whether a field is as the form filled it, or was not on the form that was sent: hidden by a condition."""
    own = form_page.own_texts(place, texts)
    return not place.view.sent(place.field.id, texts) or form_page.alike(
        own, form_page.own_texts(place, before)
    )


def computed(prepared: PreparedForm, subject: Subject, texts: Texts) -> Iterator[Computed]:
    """The computed fields of a form and of its lines, with their values over what stands in it."""
    for name, place in prepared.places.items():
        if is_computed(place.field) and not place.field.is_momentary:
            yield name, place.field, place.view, looked_up(subject, place.field)
        elif isinstance(place.view, LinesView):
            yield from _of_rows(prepared, place, place.view, subject, texts)


def _of_rows(
    prepared: PreparedForm, place: Place, view: LinesView, subject: Subject, texts: Texts
) -> Iterator[Computed]:
    columns = [each for each in view.computed(place.field, prepared.setting) if not each[0].is_momentary]
    child = subject.entities.get(place.field.to or "")
    if not columns or child is None:
        return
    for index, values in view.rows(place.field, prepared.setting, place.field.id, texts).items():
        row = as_row(subject, child, {n: typed_value(child, n, value) for n, value in values.items()})
        for column, shown in columns:
            yield f"{place.field.id}.{index}.{column.id}", column, shown, looked_up(row, column)


def computed_texts(prepared: PreparedForm, subject: Subject, texts: Texts) -> dict[str, str]:
    """The same as texts of their places."""
    found: dict[str, str] = {}
    for name, field, view, value in computed(prepared, subject, texts):
        json = field.codec.json(value) if value is not None else None
        found |= view.texts(field, prepared.setting, name, json)
    return found


def brought(prepared: PreparedForm, subject: Subject, texts: Texts) -> Mapping[str, str]:
    """The HTML of every lookup, by the name of its place: what the browser cannot compute."""
    return {
        name: f"<span>{view.cell(field, prepared.setting)(field.codec.store(value))}</span>"
        if value is not None
        else ""
        for name, field, view, value in computed(prepared, subject, texts)
        if field.shows
    }
