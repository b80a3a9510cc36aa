"""A list's table, prepared once per list, locale, labels and policy: columns, query paths, and a row's HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from dacheng.metadata.definition import Column as ListColumn
from dacheng.metadata.definition import Entity, Field, ListView
from dacheng.runtime.services import gate
from dacheng.runtime.services.gate import OutColumn, Query
from dacheng.runtime.services.policy import EntityPolicy, Policy
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Cell, Setting
from dacheng.runtime.web.view.cell_edit import edited

GENERATED_COLUMNS = 7
LONGEST_SORTED = 1000
Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Heading:
    """One column's head: its words, whether it stands right, and the sort key it offers (empty for none).

    `edits` is the field that is changed in its cells; empty where nothing is.
    """

    label: str
    numeric: bool
    sort: str
    edits: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """What a list page needs for each request: paths to ask for, heads, and a closure from a row to HTML.

    `row` takes the record's id and its stored values, laid out as the query gate lays out `paths`.
    """

    headings: tuple[Heading, ...]
    paths: tuple[str, ...]
    row: Callable[[str, Row], str]
    sorts: tuple[tuple[str, str], ...]  # every order offered, with its words
    card: Callable[
        [Row], tuple[str, list[tuple[str, str]]]
    ]  # a row's title, then (head, cell) of what it holds


@dataclass(frozen=True, slots=True)
class _Shown:
    heading: Heading
    path: str
    cell: Cell
    naming: Cell
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
        here = policy.entity(field.to) if field.to and field.is_link else None
    return field


def generated_columns(entity: EntityPolicy) -> tuple[ListColumn, ...]:
    """The columns of an entity that declares no list: its title, then its first fields, then the owner."""
    names = [
        f.id
        for f in entity.readable.values()
        if not f.system and bool(f.codec.columns) and not f.spec.get("x-hidden")
    ]
    title = entity.entity.title
    ordered = ([title] if title in names else []) + [name for name in names if name != title]
    shown = ordered[:GENERATED_COLUMNS] + (["owner"] if "owner" in entity.readable else [])
    return tuple(ListColumn(name, (name,), order) for order, name in enumerate(shown))


def prepare_table(
    work: Work,
    entity: EntityPolicy,
    view: ListView | None,
    setting: Setting,
    without: str = "",
    *,
    picking: bool = False,
) -> Table:
    """The table of one list for everyone with this policy and locale; columns one may not see are left out.

    `without` names a field whose column is left out as well, where every row would show the same;
    `picking` puts a box to tick before each row's title, for the form `bulk`.
    """
    columns = view.columns if view is not None else generated_columns(entity)
    kept = [column for column in columns if not _says(work.policy, entity, column, without)]
    found = [_column(work, entity, column, setting) for column in kept]
    shown = [one for one in found if one is not None]
    lead = _lead(entity.entity, shown)
    if lead > 0:
        shown.insert(0, shown.pop(lead))
    headings = tuple(one.heading for one in shown)
    if lead < 0:
        name = setting.labels.entity(setting.locale, entity.entity)
        headings = (Heading(name, numeric=False, sort=""), *headings)
    paths = tuple(one.path for one in shown)
    places = gate.plan(work, Query(entity.entity.ref, fields=paths or ("id",))).columns
    row = _row(entity.entity, shown, places, lead >= 0, setting, picking=picking)
    return Table(
        headings,
        paths or ("id",),
        row,
        tuple(_sorts(headings, setting)),
        _card(shown, places, lead >= 0, setting),
    )


def _sorts(headings: Sequence[Heading], setting: Setting) -> Iterator[tuple[str, str]]:
    say = setting.say
    yield "", say("list.sort_default")
    for heading in headings:
        if heading.sort:
            yield heading.sort, say("list.ascending", field=heading.label)
            yield f"-{heading.sort}", say("list.descending", field=heading.label)


def _says(policy: Policy, entity: EntityPolicy, column: ListColumn, link: str) -> bool:
    """Whether a column shows the link itself, by its id or by its record's title."""
    if not link or column.path[0] != link:
        return False
    target = policy.entity(entity.readable[link].to or "")
    return column.path == (link,) or (target is not None and column.path == (link, target.entity.title))


def _column(work: Work, entity: EntityPolicy, column: ListColumn, setting: Setting) -> _Shown | None:
    policy = work.policy
    field = resolve(policy, entity, column.path)
    if field is None or not field.codec.columns:
        return None
    view, path = view_of(field), ".".join(column.path)
    label = column_label(policy, entity, column.path, setting)
    classes = "right num" if view.numeric else field.view
    sortable = field.sortable and int(field.spec.get("maxLength", 0)) <= LONGEST_SORTED
    return _Shown(
        heading=Heading(label, view.numeric, path if sortable else "", edited(work, entity, column.path)),
        path=path,
        cell=view.cell(field, setting),
        naming=view.naming(field, setting),
        open=f'<td class="{classes}" data-label="{escape(label)}">',
        linked=field.leads_to_records,
    )


def column_label(policy: Policy, entity: EntityPolicy, path: Sequence[str], setting: Setting) -> str:
    """What a column is called; empty where its path leads nowhere."""
    field = resolve(policy, entity, path)
    if field is None:
        return ""
    if len(path) > 1:
        return _through(policy, entity, path, field, setting)
    return setting.labels.field(setting.locale, field, short=True)


def _through(
    policy: Policy, entity: EntityPolicy, path: Sequence[str], field: Field, setting: Setting
) -> str:
    """A column over a link is named with the link: `Owner · Department`; its title is the link itself."""
    link = resolve(policy, entity, path[:-1])
    label = setting.labels.field(setting.locale, field, short=True)
    if link is None:
        return label
    target = policy.entity(link.to or "")
    name = setting.labels.field(setting.locale, link, short=True)
    return name if target is not None and target.entity.title == field.id else f"{name} · {label}"


def _lead(entity: Entity, shown: Sequence[_Shown]) -> int:
    """Which column leads to the record: the title, else the first that is not a link itself."""
    plain = [index for index, one in enumerate(shown) if not one.linked]
    titles = [index for index in plain if shown[index].path == entity.title]
    return (titles or plain or [-1])[0]


def _row(
    entity: Entity,
    shown: Sequence[_Shown],
    places: Sequence[OutColumn],
    led: bool,
    setting: Setting,
    *,
    picking: bool,
) -> Callable[[str, Row], str]:
    place = f"/apps/{entity.app}/{entity.id}/"
    base = f'<tr><td class="main"><a href="{place}'
    unnamed = f'<span class="faint">{escape(setting.say("list.untitled"))}</span>'
    spans = [(one.open, at.start, _end(at), one.cell) for one, at in zip(shown, places, strict=False)]
    rest = spans[1:] if led else spans
    _, start, end, _ = spans[0] if led else ("", 0, 0, None)
    lead = shown[0].naming if led else None

    def draw(ident: str, row: Row) -> str:
        title = (lead(row[start:end]) if lead is not None else "") or unnamed
        cells = "".join([f"{opened}{cell(row[a:b])}</td>" for opened, a, b, cell in rest])
        if picking:
            box = f'<input class="pick" type="checkbox" name="id" value="{ident}" form="bulk" aria-labelledby="r-{ident}">'
            return f'<tr data-id="{ident}"><td class="main">{box}<a id="r-{ident}" href="{place}{ident}">{title}</a></td>{cells}</tr>'
        return f'{base}{ident}">{title}</a></td>{cells}</tr>'

    return draw


def _card(
    shown: Sequence[_Shown], places: Sequence[OutColumn], led: bool, setting: Setting
) -> Callable[[Row], tuple[str, list[tuple[str, str]]]]:
    """A row as a card: the same cells without a table, empty ones left out."""
    unnamed = f'<span class="faint">{escape(setting.say("list.untitled"))}</span>'
    spans = [
        (one.heading.label, at.start, _end(at), one.cell) for one, at in zip(shown, places, strict=False)
    ]
    title, rest = (spans[0], spans[1:]) if led else (None, spans)
    lead = shown[0].naming if led else None

    def draw(row: Row) -> tuple[str, list[tuple[str, str]]]:
        name = lead(row[title[1] : title[2]]) if title is not None and lead is not None else ""
        cells = [(label, cell(row[a:b])) for label, a, b, cell in rest]
        return name or unnamed, [(label, cell) for label, cell in cells if cell]

    return draw


def _end(place: OutColumn) -> int:
    """Where a column's values end; a link's title stands right behind its id."""
    return place.title + 1 if place.title == place.stop else place.stop
