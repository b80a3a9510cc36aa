"""A board as people see it: columns with heads, cards with the list's columns, and where each card may go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from dacheng.metadata.definition import Field
from dacheng.metadata.expression import NUMBER
from dacheng.runtime.services.board import COUNT_CAP, BoardColumn
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.workflow import check_start
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Setting, symbol
from dacheng.runtime.web.markup import drawn
from dacheng.runtime.web.view.chosen import Chosen
from dacheng.runtime.web.view.list_state import ListState
from dacheng.runtime.web.view.table import Table, resolve

FACTS = 4  # lines of a card below its title


@dataclass(frozen=True, slots=True)
class ColumnShown:
    """One column: `cards` is HTML; `more` leads to its next page, `all` to the table of all its records."""

    option: str
    label: str
    mark: Markup
    count: str
    sum: str
    cards: Markup
    more: str
    all: str


@dataclass(frozen=True, slots=True)
class Board:
    """The whole board. `move` is where a card's new place is sent to, before and behind the record's id."""

    on: str
    label: str
    path: str
    columns: tuple[ColumnShown, ...]
    movable: bool
    pageful: bool


def summed_path(work: Work, policy: EntityPolicy, chosen: Chosen) -> str:
    """The first amount among the list's columns, else its first number; empty for none."""
    numbers = []
    for column in chosen.view.columns:
        field = resolve(work.policy, policy, column.path)
        if field is None or not view_of(field).numeric or field.virtual or len(column.path) > 1:
            continue
        if len(field.codec.columns) > 1:
            return ".".join(column.path)
        if field.codec.type == NUMBER:
            numbers.append(".".join(column.path))
    return numbers[0] if numbers else ""


def board_shown(
    work: Work,
    policy: EntityPolicy,
    on: Field,
    summed: str,
    table: Table,
    columns: Sequence[BoardColumn],
    state: ListState,
    setting: Setting,
) -> Board:
    """The board for one answer of the database."""
    flow = work.model.catalogue.workflows.get(policy.entity.ref)
    stepping = flow is not None and flow.field == on.id
    movable = policy.may("update") and (stepping or on.id in policy.writable)
    drawing = _Drawing(work, policy, on, summed, table, state, setting, movable)
    return Board(
        on=on.id,
        label=setting.labels.field(setting.locale, on),
        path=state.path,
        columns=tuple(drawing.column(each) for each in columns),
        movable=movable,
        pageful=state.cursor != "",
    )


class _Drawing:
    """What every column and card needs to be drawn."""

    def __init__(
        self,
        work: Work,
        policy: EntityPolicy,
        on: Field,
        summed: str,
        table: Table,
        state: ListState,
        setting: Setting,
        movable: bool,
    ) -> None:
        self.work, self.policy, self.on, self.table = work, policy, on, table
        self.state, self.setting, self.movable = state, setting, movable
        self.summed = resolve(work.policy, policy, summed.split(".")) if summed else None
        self.own = setting.labels.field(setting.locale, on, short=True)
        self.flow = work.model.catalogue.workflows.get(policy.entity.ref)

    def label(self, option: str) -> str:
        """An option's words; records without one stand under «none»."""
        if not option:
            return self.setting.say(
                "list.board_none", field=self.setting.labels.field(self.setting.locale, self.on)
            )
        return self.setting.labels.option(self.setting.locale, self.on, option)

    def column(self, column: BoardColumn) -> ColumnShown:
        """One column's head and cards."""
        state, option = self.state, column.option
        more = state.href(column=option or "-", cursor=column.page.next) if column.page.next else ""
        others = self.ways(option)
        rows = zip(column.page.ids, column.page.page.raw, strict=True)
        cell = view_of(self.on).cell(self.on, self.setting)
        return ColumnShown(
            option=option,
            label=self.label(option),
            mark=drawn([cell((option,)) if option else f'<span class="tag">{escape(self.label(""))}</span>']),
            count=f"{COUNT_CAP:,}+" if column.count > COUNT_CAP else f"{column.count:,}",
            sum=self.sum(column),
            cards=drawn([self.card(ident, raw[1], raw[2:], others) for ident, raw in rows]),
            more=more,
            all=state.href(kind="table", equals=(*state.without(self.on.id), (self.on.id, option)))
            if option
            else "",
        )

    def sum(self, column: BoardColumn) -> str:
        """What the column adds up to, each currency for itself."""
        if not column.sums or self.summed is None:
            return ""
        cell = view_of(self.summed).cell(self.summed, self.setting)
        wide = len(self.summed.codec.columns) > 1
        return " + ".join(
            cell((value, currency) if wide else (value,)) for currency, value in sorted(column.sums.items())
        )

    def ways(self, option: str) -> tuple[tuple[str, str], ...]:
        """Where the cards of a column may go: along the workflow's steps, or to any living option."""
        if not self.movable:
            return ()
        options = sorted(self.on.options, key=lambda each: (each.order, each.id))
        if self.flow is not None and self.flow.field == self.on.id:
            now = {self.flow.field: option or self.flow.initial}
            free = {
                step.target
                for step in self.flow.transitions
                if not check_start(self.flow, step, now, self.work.context)
            }
            return tuple((each.id, self.label(each.id)) for each in options if each.id in free)
        return tuple(
            (each.id, self.label(each.id)) for each in options if each.id != option and not each.archived
        )

    def card(self, ident: str, version: int, row: Sequence[object], ways: Sequence[tuple[str, str]]) -> str:
        """One record: its title, the first facts of the list, the menu of places to move to."""
        setting, say = self.setting, self.setting.say
        title, facts = self.table.card(row)
        base = f"{self.state.path}/{ident}"
        lines = "".join(
            [
                f'<p title="{escape(name)}"><span class="sr">{escape(name)}: </span>{cell}</p>'
                for name, cell in [fact for fact in facts if fact[0] != self.own][:FACTS]
            ]
        )
        menu = grip = ""
        if ways:
            buttons = "".join(
                [
                    f'<button class="menu-item" type="submit" name="value" value="{escape(to)}">{symbol(setting.icons, "arrow")}{escape(words)}</button>'
                    for to, words in ways
                ]
            )
            menu = (
                f'<details class="menu"><summary class="btn btn-quiet btn-icon btn-small" aria-label="{escape(say("list.move_to"))}">'
                f'{symbol(setting.icons, "more")}</summary><form class="panel" method="post" action="{base}/place">'
                f'<input type="hidden" name="field" value="{self.on.id}"><input type="hidden" name="version" value="{version}">'
                f'<input type="hidden" name="state" value="{escape(self.state.href())}">'
                f'<p class="menu-label">{escape(say("list.move_to"))}</p>{buttons}</form></details>'
            )
            grip = (
                f'<span class="grip" x-sort:handle aria-hidden="true">{symbol(setting.icons, "grip")}</span>'
            )
        return (
            f'<li class="board-card" data-id="{ident}" data-version="{version}"><div class="board-title">{grip}'
            f'<a class="grow" href="{base}">{title}</a>{menu}</div>{lines}<p class="card-reason" role="alert" hidden></p></li>'
        )
