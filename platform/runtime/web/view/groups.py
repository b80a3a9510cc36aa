"""A list in groups: a head per group with its count and subtotals, unfolded where its address says so."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from html import escape
from typing import Any

from markupsafe import Markup

from dacheng.metadata.definition import Field
from dacheng.metadata.expression import TEXT
from dacheng.metadata.kinds import Json
from dacheng.runtime.services import group_records, read_records
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.group_records import RecordGroup
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Setting, symbol
from dacheng.runtime.web.markup import drawn
from dacheng.runtime.web.view import filters
from dacheng.runtime.web.view.calendar import within
from dacheng.runtime.web.view.list_state import ListState
from dacheng.runtime.web.view.table import Table, resolve

MOST_OPEN = 20
Key = tuple[Any, ...]


def groups_shown(
    reader: Reader,
    work: Work,
    policy: EntityPolicy,
    table: Table,
    query: Query,
    state: ListState,
    setting: Setting,
) -> Markup:
    """The body of the table: one statement for the groups of a level, one page for each unfolded group."""
    return drawn(_Drawing(reader, work, policy, table, state, setting).level((), query))


class _Drawing:
    """What every level needs to be drawn."""

    def __init__(
        self,
        reader: Reader,
        work: Work,
        policy: EntityPolicy,
        table: Table,
        state: ListState,
        setting: Setting,
    ) -> None:
        self.reader, self.work, self.policy = reader, work, policy
        self.table, self.state, self.setting = table, state, setting
        self.open = _open(state)
        found = {path: resolve(work.policy, policy, path.split(".")) for path in table.paths}
        self.figures = {
            path: f
            for path, f in found.items()
            if f is not None and view_of(f).numeric and not f.is_momentary
        }

    def level(self, above: Key, query: Query) -> list[str]:
        """The groups below some keys."""
        by = self.state.group[len(above)]
        field = resolve(self.work.policy, self.policy, by.split("."))
        if field is None:
            return []
        found, more = group_records.groups(self.reader, self.work, query, by, tuple(self.figures))
        rows: list[str] = []
        for group in found:
            key = (*above, group.key)
            inside = _narrowed(query, by, field, group.key, self.setting)
            rows.append(self.head(group, field, key))
            if key in self.open:
                deeper = len(key) < len(self.state.group)
                rows += self.level(key, inside) if deeper else self.rows(inside)
        if more:
            rows.append(self.note(self.setting.say("list.groups_more", count=group_records.MOST)))
        return rows

    def head(self, group: RecordGroup, field: Field, key: Key) -> str:
        """A group's row: what it is called, how many, and a subtotal below each column of figures."""
        opened = key in self.open
        now = [each for each in self.open if each[: len(key)] != key] if opened else [*self.open, key]
        href = escape(self.state.href(open=json.dumps(now[-MOST_OPEN:], ensure_ascii=False) if now else ""))
        sign = symbol(self.setting.icons, "down" if opened else "chev")
        heads, paths = self.table.headings[1:], self.table.paths
        cells = "".join(  # the first head leads to the record, whether or not it is one of the paths
            [
                f'<td class="right num" data-label="{escape(head.label)}">{self.sums(path, group.sums.get(path, {}))}</td>'
                for head, path in zip(heads, paths[len(paths) - len(heads) :], strict=True)
            ]
        )
        return (
            f'<tr class="group depth-{len(key)}"><th scope="row" class="main"><a href="{href}" x-target.push="list"'
            f' aria-expanded="{"true" if opened else "false"}">{sign}<span>{self.label(group, field)}</span>'
            f' <span class="muted num">{group.count:,}</span></a></th>{cells}</tr>'
        )

    def label(self, group: RecordGroup, field: Field) -> str:
        """A key in words."""
        if group.key is None:
            return f'<span class="faint">{escape(self.setting.say("list.group_none"))}</span>'
        if field.leads_to_records:
            return escape(str(group.title) if group.title is not None else self.setting.say("field.unseen"))
        if group_records.grain_of((field,)):
            return escape(str(group.key))
        held = json.dumps([group.key]) if field.is_listed else group.key  # one of several is drawn as alone
        return view_of(field).cell(field, self.setting)((held,))

    def sums(self, path: str, totals: Mapping[str, int]) -> str:
        """What a column adds up to, each currency for itself."""
        field = self.figures.get(path)
        if field is None or not totals:
            return ""
        cell, wide = view_of(field).cell(field, self.setting), len(field.codec.columns) > 1
        return " + ".join(
            cell((value, currency) if wide else (value,)) for currency, value in sorted(totals.items())
        )

    def rows(self, query: Query) -> list[str]:
        """The first page of a group, and the way to all of it."""
        page = read_records.list_page(self.reader, self.work, query)
        rows = list(map(self.table.row, page.ids, page.rows))
        if page.next:
            href = escape(self.state.href(group=(), filter=query.filter, equals=()))
            say = self.setting.say("list.group_all")
            rows.append(self.note(f'<a href="{href}" x-target.push="list">{escape(say)}</a>'))
        return rows

    def note(self, inside: str) -> str:
        """A row across the whole table."""
        return f'<tr class="group-note"><td colspan="{len(self.table.headings)}">{inside}</td></tr>'


def _open(state: ListState) -> list[Key]:
    """The groups unfolded, as far as the address can be read."""
    try:
        found = json.loads(state.open) if state.open else []
    except ValueError:
        return []
    if not isinstance(found, list):
        return []
    keys = [tuple(each) for each in found if isinstance(each, list) and len(each) <= len(state.group)]
    return [key for key in keys if all(isinstance(part, str | int | None) for part in key)][:MOST_OPEN]


def _narrowed(query: Query, by: str, field: Field, key: Any, setting: Setting) -> Query:
    parts = filters.conditions(query.filter)
    return replace(query, filter=filters.joined([*parts, condition_of(by, field, key, setting)]), cursor=None)


def condition_of(by: str, field: Field, key: Any, setting: Setting) -> Json:
    """The condition that a record belongs to a group."""
    if key is None:
        return {"==": [{"var": by}, None]}
    if group_records.grain_of((field,)):
        first = date.fromisoformat(f"{key}-01")
        behind = (first + timedelta(days=32)).replace(day=1)
        return within(field, first, behind, setting, by)
    if field.is_listed:
        return {"in": [key, {"var": by}]}
    return {"==": [{"var": by}, view_of(field).operand(field, field.codec.json_stored((key,)))]}


def _is_few(one: Field) -> bool:
    """Whether a field takes one of a few values: an option, or a text that a formula gives, such as a province."""
    return bool(one.options) or (one.derived and one.codec.type == TEXT)


def groupable(work: Work, policy: EntityPolicy) -> Sequence[Field]:
    """The fields offered for grouping: choices, links, days, yes and no, texts worked out from others."""
    return [
        each
        for each in policy.readable.values()
        if group_records.is_groupable((each,))
        and each.id not in ("id", "version", "created_by", "updated_by")
        and not each.unique
        and not each.spec.get("x-hidden")
        and (_is_few(each) or each.leads_to_records or bool(group_records.grain_of((each,))))
    ]
