"""Lines: an inline table of child rows; the last row is always empty, so that it works without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from html import escape

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json
from dacheng.runtime.web.fields.base import (
    Cell,
    Control,
    FieldView,
    LineColumns,
    Marks,
    Setting,
    Texts,
    symbol,
)
from dacheng.runtime.web.fields.computed import computed_control, is_computed

NOTHING = LineColumns((), frozenset(), frozenset())
MAX_ROWS = 500
TEMPLATE_ROW = "__row__"
AUTO = "_auto"


@dataclass(frozen=True, slots=True)
class _Column:
    field: Field
    view: FieldView
    label: str
    writable: bool
    summed: bool
    draw: Callable[[str], Control]


class LinesView(FieldView):
    """A table of inputs `name.0.field`; rows left empty are not rows. `views` finds each column's view."""

    block = True
    grouped = True

    def __init__(self, views: Callable[[Field], FieldView]) -> None:
        self._view_of = views

    def cell(self, field: Field, setting: Setting) -> Cell:
        """Nothing: lines are shown on the record's own page."""
        return lambda stored: ""

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """The table with one row per line, an empty row, a template for more, and the sums."""
        columns = self._columns(field, setting)
        head = _head(columns, setting)
        remove = setting.say("field.remove_line")
        cross = symbol(setting.icons, "x", "icon icon-s")
        plus = symbol(setting.icons, "plus", "icon icon-s")
        carried, follows = self._carried(field, setting), bool(self.following(field, setting))
        add, moves, words = escape(setting.say("field.add_line")), _moves(setting), _words(setting)

        def row(index: str, texts: Texts, marks: Marks) -> str:
            prefix = f"{name}.{index}"
            held = escape(texts.get(f"{prefix}.id", ""))
            cells = [_cell(column, prefix, texts, marks) for column in columns]
            button = (
                ""
                if marks.readonly
                else (
                    f'{moves}<button class="btn btn-quiet btn-icon btn-small" type="submit" name="_remove" value="{prefix}"'
                    f' formnovalidate data-remove aria-label="{escape(remove)}">{cross}</button>'
                )
            )
            return (
                f'<tr data-row="{index}">{"".join(cells)}'
                f'<td class="line-act"><input type="hidden" name="{prefix}.id" value="{held}">'
                f"{_hidden(carried, prefix, texts)}{_put_in(prefix, texts) if follows else ''}{button}</td></tr>"
            )

        def draw(texts: Texts, marks: Marks) -> str:
            count = row_count(name, texts)
            shown = range(count) if marks.readonly else range(count + 1)
            rows = "".join(row(str(index), texts, marks) for index in shown)
            more = (
                ""
                if marks.readonly
                else (
                    f"<template>{row(TEMPLATE_ROW, {}, marks)}</template>"
                    f'<button class="btn btn-quiet add-line" type="submit" name="_add" value="{name}"'
                    f" formnovalidate data-add>{plus}{add}</button>"
                )
            )
            return (
                f'<div class="lines" data-lines="{name}" id="{ident}" tabindex="-1"{words}>'
                f'<input type="hidden" name="{name}.sent" value="{len(shown)}">'
                f"<table>{head}<tbody>{rows}</tbody>{_foot(columns, setting)}</table>{more}"
                '<p class="line-said small" role="status" data-line-said></p></div>'
            )

        return draw

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """Texts of every row's inputs, rows counted from 0."""
        found: dict[str, str] = {}
        for index, line in enumerate(value or ()):
            found[f"{name}.{index}.id"] = str(line.get("id", ""))
            for column in self._columns(field, setting):
                at = f"{name}.{index}.{column.field.id}"
                found |= column.view.texts(column.field, setting, at, line.get(column.field.id))
            for each in self._carried(field, setting):
                at = f"{name}.{index}.{each.id}"
                found |= self._view_of(each).texts(each, setting, at, line.get(each.id))
        return found

    def read(self, field: Field, setting: Setting, name: str, texts: Texts) -> Json:
        """The rows that hold anything, in order; a row emptied by hand is a row taken out."""
        rows = []
        filled = {each.field.id for each in self._columns(field, setting) if each.field.default is not None}
        for index, values in self.rows(field, setting, name, texts).items():
            if any(value not in (None, "", []) for value in values.values()):
                held = texts.get(f"{name}.{index}.id", "")
                more = self._along(field, setting, f"{name}.{index}", texts)
                rows.append({"id": held, **values, **more} if held else {**_new(values, filled), **more})
        return rows

    def rows(
        self, field: Field, setting: Setting, name: str, texts: Texts
    ) -> Mapping[int, Mapping[str, Json]]:
        """What may be set of every row, empty ones too, by the number in the names of its inputs."""
        columns = [each for each in self._columns(field, setting) if each.writable]
        return {
            index: {
                each.field.id: each.view.read(each.field, setting, f"{name}.{index}.{each.field.id}", texts)
                for each in columns
            }
            for index in range(row_count(name, texts))
        }

    def computed(self, field: Field, setting: Setting) -> Iterable[tuple[Field, FieldView]]:
        """The columns that follow from others, and their views."""
        return ((c.field, c.view) for c in self._columns(field, setting) if is_computed(c.field))

    def following(self, field: Field, setting: Setting) -> tuple[tuple[Field, FieldView], ...]:
        """The columns with a default and their views, where a default looks at anything else of its line."""
        columns = self._columns(field, setting)
        found = tuple((c.field, c.view) for c in columns if c.writable and c.field.default is not None)
        return found if any(one.default and one.default.dependencies for one, _ in found) else ()

    def compact(self, field: Field, setting: Setting, name: str, texts: Texts) -> dict[str, str]:
        """The texts without rows that hold nothing, so that rows and what is read from them count alike."""
        kept = {key: text for key, text in texts.items() if not key.startswith(f"{name}.")}
        kept[f"{name}.sent"] = texts.get(f"{name}.sent", "")
        columns, index = self._columns(field, setting), 0
        for row in range(row_count(name, texts)):
            at = f"{name}.{row}."
            read = (
                column.view.read(column.field, setting, at + column.field.id, texts)
                for column in columns
                if not is_computed(column.field)
            )
            if any(value not in (None, "", []) for value in read):
                mine = {key: text for key, text in texts.items() if key.startswith(at)}
                kept |= {f"{name}.{index}.{key[len(at) :]}": text for key, text in mine.items()}
                index += 1
        return kept

    def sent(self, name: str, texts: Texts) -> bool:
        """The table marks its own presence: a table without rows sends nothing else."""
        return f"{name}.sent" in texts

    def _carried(self, field: Field, setting: Setting) -> tuple[Field, ...]:
        return setting.children.get(field.to or "", NOTHING).carried

    def _along(self, field: Field, setting: Setting, row: str, texts: Texts) -> dict[str, Json]:
        """The values that go along with a row unseen; a row added by hand has none, and gets the defaults."""
        found = {
            each.id: self._view_of(each).read(each, setting, f"{row}.{each.id}", texts)
            for each in self._carried(field, setting)
        }
        return {name: value for name, value in found.items() if value not in (None, "", [])}

    def _columns(self, field: Field, setting: Setting) -> list[_Column]:
        shown = setting.children.get(field.to or "", NOTHING)
        return [self._column(each, shown, setting) for each in shown.fields]

    def _column(self, each: Field, shown: LineColumns, setting: Setting) -> _Column:
        view = self._view_of(each)

        def bind(at: str) -> Control:
            if is_computed(each):
                return computed_control(each, view, setting, at, f"f-{at}")
            return view.control(each, setting, at, f"f-{at}")

        label = setting.labels.field(setting.locale, each, short=True)
        return _Column(each, view, label, each.id in shown.writable, each.id in shown.summed, bind)


def row_count(name: str, texts: Texts) -> int:
    """How many rows the texts hold, at most 500: one more than the highest index that holds text."""
    pattern = re.compile(rf"{re.escape(name)}\.(\d{{1,4}})\.")
    indexes = [int(at[1]) for key, text in texts.items() if text and (at := pattern.match(key))]
    return min(max(indexes, default=-1) + 1, MAX_ROWS)


def without_row(name: str, row: str, texts: Texts) -> Mapping[str, str]:
    """The texts with one row (`name.3`) emptied; the rows after it keep their places."""
    return {key: "" if key.startswith(f"{row}.") else text for key, text in texts.items()}


def _new(values: Mapping[str, Json], filled: Set[str]) -> dict[str, Json]:
    """A new row without what was left empty and is filled in by a default when it is saved."""
    return {name: each for name, each in values.items() if each not in (None, "") or name not in filled}


def _hidden(carried: tuple[Field, ...], prefix: str, texts: Texts) -> str:
    """Inputs that nobody sees, for the values that go along."""
    places = [f"{prefix}.{each.id}" for each in carried]
    held = [key for at in places for key in texts if key == at or key.startswith(f"{at}.")]
    return "".join(f'<input type="hidden" name="{escape(key)}" value="{escape(texts[key])}">' for key in held)


def _put_in(prefix: str, texts: Texts) -> str:
    """An input that nobody sees, for which defaults the form put into the row; it moves with the row."""
    name = f"{prefix}.{AUTO}"
    return f'<input type="hidden" name="{name}" value="{escape(texts.get(name, ""))}" data-auto>'


def _moves(setting: Setting) -> str:
    """What a script does with a row besides taking it out; the same by keys."""
    return "".join(
        f'<button type="button" class="btn btn-quiet btn-icon btn-small scripted" data-line="{way}" aria-label="{word}" title="{word}">'
        f"{symbol(setting.icons, icon)}</button>"
        for way, icon in (("up", "up"), ("down", "down"), ("copy", "copy"))
        for word in (escape(setting.say(f"field.line_{way}")),)
    )


def _words(setting: Setting) -> str:
    words = {
        "removed": setting.say("field.line_removed"),
        "undo": setting.say("field.line_undo"),
        "moved": setting.say("field.line_moved", at="{at}"),
    }
    return "".join(f' data-{key}="{escape(text)}"' for key, text in words.items())


def _head(columns: list[_Column], setting: Setting) -> str:
    cells = "".join(
        f'<th scope="col"{" class=right" if column.view.numeric else ""}>{escape(column.label)}'
        f"{'<span class=required aria-hidden=true>*</span>' if column.field.required else ''}</th>"
        for column in columns
    )
    return f'<thead><tr>{cells}<th><span class="sr">{escape(setting.say("field.remove_line"))}</span></th></tr></thead>'


def _cell(column: _Column, prefix: str, texts: Texts, marks: Marks) -> str:
    at = f"{prefix}.{column.field.id}"
    error = marks.problems.get(at, "")
    own = Marks(
        wrong=bool(error),
        readonly=marks.readonly or not column.writable,
        described=f"f-{at}-error" if error else "",
        choices=marks.choices,
    )
    control = column.draw(at)(texts, own)
    label = escape(column.label)
    said = f'<p class="error" id="f-{at}-error">{escape(error)}</p>' if error else ""
    summed = " data-sum" if column.summed else ""
    return (
        f'<td data-column="{column.field.id}"{summed}{" class=is-wrong" if error else ""}>'
        f'<label class="line-label" for="f-{at}">{label}</label>{control}{said}</td>'
    )


def _foot(columns: list[_Column], setting: Setting) -> str:
    if not any(column.summed for column in columns):
        return ""
    total = escape(setting.say("field.total"))
    cells, named = [], False
    for column in columns:
        if column.summed:
            cells.append(
                f'<td class="num right strong" data-total="{column.field.id}" data-label="{escape(column.label)}"></td>'
            )
        else:
            cells.append(f'<th scope="row">{"" if named else total}</th>' if not named else "<td></td>")
            named = True
    return f"<tfoot><tr>{''.join(cells)}<td></td></tr></tfoot>"
