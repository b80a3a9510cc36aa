"""A list's table, prepared once per list, locale, labels and policy: columns, query paths, and a row's HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from dacheng.metadata.definition import Column as ListColumn
from dacheng.metadata.definition import Entity, Field, ListView
from dacheng.runtime.services.policy import EntityPolicy, Policy
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Cell, Setting

GENERATED_COLUMNS = 7
WITHOUT_COLUMN = frozenset({"lines"})
Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Heading:
    """One column's head: its words, whether it stands right, and the sort key it offers (empty for none)."""

    label: str
    numeric: bool
    sort: str


@dataclass(frozen=True, slots=True)
class Table:
    """What a list page needs for each request: `paths` to ask for, heads, and the row's HTML.

    `row` takes one row of stored values, flat, in the order of `paths` (the id first), each path as
    many columns wide as its field's codec has.
    """

    headings: tuple[Heading, ...]
    paths: tuple[str, ...]
    row: Callable[[Row], str]


@dataclass(frozen=True, slots=True)
class _Drawn:
    heading: Heading
    paths: tuple[str, ...]
    width: int
    cell: Cell
    open: str
    linked: bool


def resolve(policy: Policy, start: EntityPolicy, path: Sequence[str]) -> Field | None:
    """The field at the end of a path over links, as far as the person may see; else None."""
    here: EntityPolicy | None = start
    field: Field | None = None
    for step in path:
        if here is None:
            return None
        field = here.readable.get(step)
        if field is None:
            return None
        here = policy.entity(field.to) if field.to and field.view == "link" else None
    return field


def generated_columns(entity: EntityPolicy) -> tuple[ListColumn, ...]:
    """The columns of an entity that declares no list: its title, then its first fields, then the owner."""
    names = [f.id for f in entity.readable.values() if not f.system and f.view not in WITHOUT_COLUMN]
    title = entity.entity.title
    ordered = ([title] if title in names else []) + [name for name in names if name != title]
    shown = ordered[:GENERATED_COLUMNS] + (["owner"] if "owner" in entity.readable else [])
    return tuple(ListColumn(name, (name,), order) for order, name in enumerate(shown))


def prepare_table(
    policy: Policy, entity: EntityPolicy, view: ListView | None, setting: Setting
) -> Table:
    """The table of one list for everyone with this policy and locale; columns that one may not see are left out."""
    columns = view.columns if view is not None else generated_columns(entity)
    drawn = [
        one for column in columns if (one := _column(policy, entity, column, setting)) is not None
    ]
    lead = _lead(entity.entity, drawn)
    if lead > 0:
        drawn.insert(0, drawn.pop(lead))
    headings = tuple(one.heading for one in drawn)
    if lead < 0:
        name = setting.labels.entity(setting.locale, entity.entity)
        headings = (Heading(name, numeric=False, sort=""), *headings)
    return Table(
        headings=headings,
        paths=("id", *(path for one in drawn for path in one.paths)),
        row=_row(entity.entity, drawn, lead >= 0, setting),
    )


def _column(
    policy: Policy, entity: EntityPolicy, column: ListColumn, setting: Setting
) -> _Drawn | None:
    field = resolve(policy, entity, column.path)
    if field is None or field.view in WITHOUT_COLUMN:
        return None
    path = ".".join(column.path)
    paths, width = (path,), len(field.codec.columns)
    if field.view == "link":
        target = policy.entity(field.to or "")
        if target is not None and target.title is not None:
            paths, width = (path, f"{path}.{target.title.id}"), 2
    view = view_of(field)
    label = setting.labels.field(setting.locale, field, short=True)
    if len(column.path) > 1:
        label = _through(policy, entity, column.path, setting, label)
    classes = "right num" if view.numeric else field.view
    sortable = paths[-1] if field.view != "text" or int(field.spec.get("maxLength", 255)) <= 1000 else ""
    return _Drawn(
        heading=Heading(label, view.numeric, sortable),
        paths=paths,
        width=width,
        cell=view.cell(field, setting),
        open=f'<td class="{classes}" data-label="{escape(label)}">',
        linked=field.view == "link",
    )


def _through(
    policy: Policy, entity: EntityPolicy, path: Sequence[str], setting: Setting, label: str
) -> str:
    """A column over a link is named with the link: `Owner · Department`."""
    link = resolve(policy, entity, path[:1])
    return label if link is None else f"{setting.labels.field(setting.locale, link, short=True)} · {label}"


def _lead(entity: Entity, drawn: Sequence[_Drawn]) -> int:
    """Which column leads to the record: the title, else the first that is not a link itself."""
    plain = [index for index, one in enumerate(drawn) if not one.linked]
    titles = [index for index in plain if drawn[index].paths[0] == entity.title]
    return (titles or plain or [-1])[0]


def _row(entity: Entity, drawn: Sequence[_Drawn], led: bool, setting: Setting) -> Callable[[Row], str]:
    base = f'<tr><td class="main"><a href="/apps/{entity.app}/{entity.id}/'
    unnamed = f'<span class="faint">{escape(setting.say("list.untitled"))}</span>'
    parts: list[tuple[str, int, int, Cell]] = []
    at = 1
    for one in drawn:
        parts.append((one.open, at, at + one.width, one.cell))
        at += one.width
    rest = parts[1:] if led else parts
    lead, end = (drawn[0].cell, 1 + drawn[0].width) if led else (None, 1)

    def draw(row: Row) -> str:
        title = (lead(row[1:end]) if lead is not None else "") or unnamed
        cells = "".join([f"{opened}{cell(row[a:b])}</td>" for opened, a, b, cell in rest])
        return f'{base}{row[0]}">{title}</a></td>{cells}</tr>'

    return draw
