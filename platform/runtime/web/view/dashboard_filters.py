"""What a dashboard's address says: the period, whose records, which department; and the controls that say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request

from dacheng.metadata.field_kinds.date import date_from_text
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused
from dacheng.metadata.system_fields import CORE
from dacheng.runtime.services import read_records
from dacheng.runtime.services.measure import Filters, Period
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.fields.base import Marks, Setting
from dacheng.runtime.web.fields.date_input import date_input
from dacheng.runtime.web.markup import drawn
from dacheng.runtime.web.page import Link
from dacheng.runtime.web.view.setting import setting_of
from dacheng.runtime.web.words import Words, words

MOST_CHOICES = 200
CHOSEN = (("department", f"{CORE}.department"), ("owner", f"{CORE}.user"))


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter by a record: its name in the address, its label, what may be chosen, and what is."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    chosen: str


@dataclass(frozen=True, slots=True)
class Controls:
    """The filters above the cards: presets, days and choices; `said` tells the period, `query` is all of it."""

    said: str
    period: str
    periods: tuple[Link, ...]
    start: Markup
    end: Markup
    choices: tuple[Choice, ...]
    query: str


def filters_of(request: Request, declared: Mapping[str, Json], today: date) -> Filters:
    """What the address asks for, a filter that the dashboard does not have aside."""
    params = request.query_params
    wanted = {name: params.get(name, "")[:60] if name in declared else "" for name, _ in CHOSEN}
    return Filters(_chosen(request, presets(declared, today))[1], **wanted)


def controls(
    reader: Reader, work: Work, request: Request, declared: Mapping[str, Json], filters: Filters
) -> Controls:
    """The controls as they stand for these filters."""
    say, offered = words(work.context.locale), presets(declared, work.context.today)
    key, period = _chosen(request, offered)
    setting, path = setting_of(work), request.url.path
    kept = {
        name: value for name, value in (("department", filters.department), ("owner", filters.owner)) if value
    }
    links = tuple(
        Link(say(f"dashboard.period_{each}"), f"{path}?{urlencode({'period': each, **kept})}", key=each)
        for each in offered
    )
    days = {"from": period.start, "to": period.end}
    asked = (
        {"period": key} if key else {name: day.isoformat() for name, day in days.items() if day is not None}
    )
    return Controls(
        _said(say, period),
        key,
        links,
        _day_input(setting, "from", period.start),
        _day_input(setting, "to", period.end),
        tuple(_choices(reader, work, declared, filters)),
        urlencode({**asked, **kept}),
    )


def _choices(reader: Reader, work: Work, declared: Mapping[str, Json], filters: Filters) -> list[Choice]:
    say = words(work.context.locale)
    found = []
    for name, entity in CHOSEN:
        if name not in declared or work.policy.entity(entity) is None:
            continue
        options = read_records.pick_list(reader, work, entity, "", MOST_CHOICES)
        every = ("", say(f"dashboard.every_{name}"))
        chosen = filters.owner if name == "owner" else filters.department
        found.append(Choice(name, say(f"dashboard.{name}"), (every, *options), chosen))
    return found


def presets(declared: Mapping[str, Json], today: date) -> dict[str, Period]:
    """The periods offered, the one shown first of all first."""
    said = declared.get("period") or {}
    month = today.replace(day=1)
    quarter = month.replace(month=today.month - (today.month - 1) % 3)
    found = {
        "month": Period(month, _month_end(month)),
        "quarter": Period(quarter, _month_end(quarter.replace(month=quarter.month + 2))),
        "year": Period(date(today.year, 1, 1), date(today.year, 12, 31)),
        "all": Period(),
    }
    own = Period(_day(said.get("from", "")), _day(said.get("to", "")))
    if own != Period():
        return {"default": own, **found}
    first = str(said.get("first", "all"))
    return {first: found[first], **found}


def _month_end(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _day(text: str) -> date | None:
    try:
        return date_from_text(text) if text else None
    except Refused:
        return None


def _day_input(setting: Setting, name: str, day: date | None) -> Markup:
    held = {name: day.isoformat()} if day else {}
    hint = setting.say(f"dashboard.{name}")
    return drawn(date_input(setting, name, name, hint=hint)(held, Marks()))


def _chosen(request: Request, offered: dict[str, Period]) -> tuple[str, Period]:
    params = request.query_params
    if "from" in params or "to" in params:
        own = Period(_day(params.get("from", "")), _day(params.get("to", "")))
        return next((key for key, period in offered.items() if period == own), ""), own
    key = params.get("period", "")
    key = key if key in offered else next(iter(offered))
    return key, offered[key]


def _said(say: Words, period: Period) -> str:
    if period.start and period.end:
        return say("dashboard.said", from_=period.start, to=period.end)
    if period.start:
        return say("dashboard.said_from", from_=period.start)
    return say("dashboard.said_to", to=period.end) if period.end else say("dashboard.said_all")
