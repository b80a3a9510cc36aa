"""A record's page, prepared once per definition, locale and policy: facts by section, lines, where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.text_list import written
from dacheng.runtime.services.read_records import RecordView
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Setting
from dacheng.runtime.web.fields.lines import LinesView
from dacheng.runtime.web.view.form import PreparedForm, is_wide

Titles = Mapping[str, Mapping[str, str]]
Shown = Callable[[Any, Titles], str]
SYSTEM_FACTS = ("owner", "department")


@dataclass(frozen=True, slots=True)
class Facts:
    """A section of the record page: fields as a list of terms, lines as tables below."""

    id: str
    title: str
    columns: int
    fields: tuple[tuple[str, Callable[[RecordView, frozenset[str]], str]], ...]
    lines: tuple[Callable[[RecordView], str], ...]

    def draw(self, record: RecordView, hidden: frozenset[str]) -> str:
        """The `<dt>` and `<dd>` of every field that is not hidden now."""
        return "".join(draw(record, hidden) for name, draw in self.fields if name not in hidden)


def title_of(record: RecordView) -> str:
    """The record's name: its title field's text, else nothing."""
    title = record.policy.title
    return "" if title is None else title.codec.text(record.values.get(title.id))


def value_drawing(field: Field, setting: Setting) -> Shown:
    """The closure from a typed value to HTML; links take their title from the record's."""
    cell, store = view_of(field).fact(field, setting), field.codec.store
    if field.is_link:
        ref = field.to or ""

        def link(value: Any, titles: Titles) -> str:
            return cell((value, titles.get(ref, {}).get(value))) if value is not None else ""

        return link
    if field.is_links:
        known = field.to or ""

        def several(value: Any, titles: Titles) -> str:
            if value is None:
                return ""
            return cell((written(value), written(titles.get(known, {}).get(each) for each in value)))

        return several
    return lambda value, titles: cell(store(value)) if value is not None else ""


def prepare_facts(prepared: PreparedForm) -> tuple[Facts, ...]:
    """The form's sections as facts: the record page shows what the form holds, in the form's order."""
    setting, found = prepared.setting, []
    for part in prepared.parts:
        plain = [place for place in part.places if not isinstance(place.view, LinesView)]
        tables = [place for place in part.places if isinstance(place.view, LinesView)]
        found.append(
            Facts(
                part.id,
                part.title,
                part.columns,
                tuple((p.field.id, _fact(p.field, p.label, p.rules.span == "full", setting)) for p in plain),
                tuple(_lines(p.field, p.label, setting, said=p.label == part.title) for p in tables),
            )
        )
    return tuple(found)


def _fact(
    field: Field, label: str, full: bool, setting: Setting
) -> Callable[[RecordView, frozenset[str]], str]:
    draw = value_drawing(field, setting)
    name, wide = field.id, " field-full" if full or is_wide(field) else ""
    long = ' class="long"' if view_of(field).long else ""
    opening = f'<div class="field{wide}"><dt>{escape(label)}</dt><dd{long}>'
    unseen = f'<span class="faint">{escape(setting.say("field.unseen"))}</span>'

    def fact(record: RecordView, hidden: frozenset[str]) -> str:
        text = unseen if name in record.unseen else draw(record.values.get(name), record.titles)
        return f"{opening}{text}</dd></div>"

    return fact


def _lines(field: Field, label: str, setting: Setting, *, said: bool) -> Callable[[RecordView], str]:
    columns = setting.children[field.to].fields if field.to and field.to in setting.children else ()
    drawn = [
        (
            one.id,
            view_of(one).numeric,
            setting.labels.field(setting.locale, one, short=True),
            value_drawing(one, setting),
        )
        for one in columns
    ]
    heads = "".join(
        f'<th scope="col"{" class=right" if numeric else ""}>{escape(text)}</th>'
        for _, numeric, text, _ in drawn
    )
    cells = [
        (
            name,
            f'<td{" class=" + chr(34) + "num right" + chr(34) if numeric else ""} data-label="{escape(text)}">',
            draw,
        )
        for name, numeric, text, draw in drawn
    ]
    title, none = escape(label), escape(setting.say("record.none_related"))
    region = f'<div class="lines read" tabindex="0" role="group" aria-label="{title}"><table><thead><tr>{heads}</tr></thead><tbody>'

    def table(record: RecordView) -> str:
        rows: Sequence[Mapping[str, Any]] = record.lines.get(field.id, ())
        head = (
            "" if said else f'<h3 class="lines-title">{title} <span class="muted num">{len(rows)}</span></h3>'
        )
        if not rows:
            return f'{head}<p class="muted">{none}</p>'
        body = "".join(
            f"<tr>{''.join([f'{opened}{draw(row.get(name), record.titles)}</td>' for name, opened, draw in cells])}</tr>"
            for row in rows
        )
        return f"{head}{region}{body}</tbody></table></div>"

    return table
