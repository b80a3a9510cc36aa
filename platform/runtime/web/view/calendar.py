"""A calendar as people see it: a month or a week of days, the records of each, and the ways to others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from html import escape
from typing import Any

from markupsafe import Markup

from dacheng.metadata.definition import Field
from dacheng.metadata.expression import INSTANT
from dacheng.metadata.kinds import Json
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.read_records import ListPage
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields.base import Marks, Setting, symbol
from dacheng.runtime.web.fields.date_input import date_input
from dacheng.runtime.web.markup import drawn
from dacheng.runtime.web.view import filters
from dacheng.runtime.web.view.list_state import ListState
from dacheng.runtime.web.view.table import Table

MOST = 500  # records of one month or week
PER_DAY = 4
WEEK = "week"


@dataclass(frozen=True, slots=True)
class Span:
    """The days shown: whole weeks from a Monday; `first` and `behind` bound the month or week itself."""

    start: date
    days: int
    first: date
    behind: date
    week: bool


@dataclass(frozen=True, slots=True)
class Day:
    """One day: `number` as written, its records as HTML, and where the rest of a full day is listed."""

    iso: str
    number: str
    name: str
    outside: bool
    today: bool
    events: Markup
    count: int
    more: str
    more_label: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """The whole page of a calendar."""

    on: str
    label: str
    path: str
    state: str
    title: str
    week: bool
    heads: tuple[str, ...]
    days: tuple[Day, ...]
    earlier: str
    later: str
    now: str
    other: str
    movable: bool
    cut: bool


def span_of(state: ListState, today: date) -> Span:
    """The month or week an address is turned to; what is no day means today."""
    try:
        at = date.fromisoformat(state.at)
    except ValueError:
        at = today
    at = min(max(at, date(1900, 1, 1)), date(2999, 12, 1))
    if state.span == WEEK:
        monday = at - timedelta(days=at.weekday())
        return Span(monday, 7, monday, monday + timedelta(days=7), week=True)
    first = at.replace(day=1)
    behind = (first + timedelta(days=32)).replace(day=1)
    start = first - timedelta(days=first.weekday())
    weeks = -(-((behind - start).days) // 7)
    return Span(start, weeks * 7, first, behind, week=False)


def within(on: Field, start: date, behind: date, setting: Setting, path: str = "") -> Json:
    """The condition that a record falls on these days."""
    subject = {"var": path or on.id}

    def literal(day: date) -> Json:
        if on.codec.type != INSTANT:
            return {"date": day.isoformat()}
        moment = datetime.combine(day, time(), setting.zone).astimezone(UTC)
        return {"instant": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")}

    return {"and": [{">=": [subject, literal(start)]}, {"<": [subject, literal(behind)]}]}


def calendar_shown(
    work: Work,
    policy: EntityPolicy,
    on: Field,
    table: Table,
    span: Span,
    page: ListPage,
    state: ListState,
    setting: Setting,
) -> Calendar:
    """The calendar for one answer of the database: rows hold the table's paths, then the day's field."""
    say = setting.say
    movable = policy.may("update") and on.id in policy.writable and len(on.codec.columns) == 1
    events: dict[str, list[str]] = {}
    for ident, row in zip(page.ids, page.page.raw, strict=True):
        place = page.columns[-1]
        day = _day(on, row[2:][place.start : place.stop], setting)
        events.setdefault(day, []).append(
            _event(ident, row[1], row[2:], day, on, table, state, setting, movable=movable)
        )
    heads = tuple(say(f"list.weekday_{n}") for n in range(7))
    days = tuple(_days(span, events, on, heads, work.context.today, state, setting))
    step = timedelta(days=7) if span.week else None
    earlier = span.first - (step or timedelta(days=1))
    week_at = work.context.today if span.first <= work.context.today < span.behind else span.first
    return Calendar(
        on=on.id,
        label=setting.labels.field(setting.locale, on),
        path=state.path,
        state=state.href(at=state.at, span=state.span).partition("?")[2],
        title=_title(span, setting),
        week=span.week,
        heads=heads,
        days=days,
        earlier=state.href(at=earlier.isoformat(), span=state.span),
        later=state.href(at=span.behind.isoformat(), span=state.span),
        now=state.href(span=state.span),
        other=state.href(at=week_at.isoformat(), span="" if span.week else WEEK),
        movable=movable,
        cut=page.next is not None,
    )


def _title(span: Span, setting: Setting) -> str:
    last = span.behind - timedelta(days=1)
    if span.week:
        return setting.say("list.week_of", first=span.first.isoformat(), last=last.isoformat())
    return setting.say("list.month_of", year=span.first.year, month=span.first.month)


def _days(
    span: Span,
    events: dict[str, list[str]],
    on: Field,
    heads: Sequence[str],
    today: date,
    state: ListState,
    setting: Setting,
) -> Iterator[Day]:
    most = MOST if span.week else PER_DAY
    for at in range(span.days):
        day = span.start + timedelta(days=at)
        found = events.get(day.isoformat(), [])
        more = ""
        if len(found) > most:
            part = within(on, day, day + timedelta(days=1), setting)
            whole = filters.joined([*filters.conditions(state.filter), part])
            more = state.href(kind="table", on="", filter=whole)
        yield Day(
            iso=day.isoformat(),
            number=str(day.day) if day.day > 1 else f"{day.month}/{day.day}",
            name=f"{day.isoformat()} {heads[day.weekday()]}",
            outside=not span.first <= day < span.behind,
            today=day == today,
            events=drawn(found[:most]),
            count=len(found),
            more=more,
            more_label=setting.say("list.day_more", count=len(found) - most) if more else "",
        )


def _day(on: Field, stored: Sequence[Any], setting: Setting) -> str:
    if on.codec.type != INSTANT:
        return str(stored[0])
    return datetime.fromtimestamp(stored[0] / 1000, setting.zone).date().isoformat()


def _event(
    ident: str,
    version: int,
    row: Sequence[Any],
    day: str,
    on: Field,
    table: Table,
    state: ListState,
    setting: Setting,
    *,
    movable: bool,
) -> str:
    title, _ = table.card(row)
    base, say = f"{state.path}/{ident}", setting.say
    menu = grip = ""
    if movable:
        back = escape(state.href(at=state.at, span=state.span))
        grip = f'<span class="grip" x-sort:handle aria-hidden="true">{symbol(setting.icons, "grip")}</span>'
        menu = (
            f'<details class="menu"><summary class="btn btn-quiet btn-icon btn-small" aria-label="{escape(say("list.move_to"))}">'
            f'{symbol(setting.icons, "more")}</summary><form class="panel stack" method="post" action="{base}/place">'
            f'<input type="hidden" name="field" value="{on.id}"><input type="hidden" name="version" value="{version}">'
            f'<input type="hidden" name="state" value="{back}">'
            f'<label class="sr" for="move-{ident}">{escape(say("list.move_to"))}</label>'
            f"{date_input(setting, 'value', f'move-{ident}')({'value': day}, Marks())}"
            f'<button class="btn" type="submit">{escape(say("list.move_day"))}</button></form></details>'
        )
    return (
        f'<li class="board-card event" data-id="{ident}" data-version="{version}"><div class="board-title">{grip}'
        f'<a class="grow clip" href="{base}">{title}</a>{menu}</div><p class="card-reason" role="alert" hidden></p></li>'
    )
