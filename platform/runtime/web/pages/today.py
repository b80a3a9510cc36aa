"""Today: what one may work with, how much of it, and what one changed last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import guided_start, read_records
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.markup import drawn
from dacheng.runtime.web.page import Page
from dacheng.runtime.web.pages.guides import GuideCard, card_of
from dacheng.runtime.web.pages.notifications import Line
from dacheng.runtime.web.render import render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, user_of, work_of
from dacheng.runtime.web.shell import icon_or_default
from dacheng.runtime.web.view.setting import list_views, setting_of
from dacheng.runtime.web.view.table import Heading, prepare_table
from dacheng.runtime.web.view.waiting import (
    WaitingCard,
    claim_card,
    import_card,
    news,
    team_cards,
    waiting_cards,
)
from dacheng.runtime.web.words import Words, words

COUNT_LIMIT = 10_000
RECENT, MINE = 8, 6
TILES = 10  # of one app, the first in its navigation; the side bar leads to the others
NOON, EVENING = 12, 18


@dataclass(frozen=True, slots=True)
class Tile:
    """One entity: how many records one may see, and how many are one's own."""

    label: str
    href: str
    icon: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class AppTiles:
    """The tiles of one app."""

    label: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Recent:
    """A record one changed lately."""

    title: str
    href: str
    icon: str
    entity: str
    at: str
    when: str


@dataclass(frozen=True, slots=True)
class Mine:
    """A list that depends on who asks: its first rows, and how many there are."""

    title: str
    href: str
    count: str
    heads: tuple[Heading, ...]
    rows: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class TodayPage(Page):
    """The page after signing in."""

    greeting: str
    date: str
    apps: tuple[AppTiles, ...]
    recent: tuple[Recent, ...]
    mine: tuple[Mine, ...]
    news: tuple[Line, ...]
    waiting: tuple[WaitingCard, ...]
    may_build: bool
    guides: tuple[GuideCard, ...]


async def show_today(request: Request) -> Response:
    """What is there for the person who asks."""
    work = work_of(request)
    apps, recent, mine, told, waits, guides = await host_of(request).db.read(
        lambda reader: (
            _apps(reader, work),
            _recent(reader, work),
            tuple(_mine(reader, work)),
            news(reader, work),
            tuple(_waiting(reader, work)),
            _guides(reader, work),
        )
    )
    say, local = words(work.context.locale), work.context.now.astimezone(work.context.zone)
    page = TodayPage(
        title=say("today.title"),
        current="today",
        greeting=_greeting(say, local, user_of(request).name),
        date=f"{local:%Y-%m-%d}",
        apps=apps,
        recent=recent,
        mine=mine,
        news=told,
        waiting=waits,
        may_build=work.policy.admin,
        guides=guides,
    )
    return render(request, "today.html", page)


def _waiting(reader: Reader, work: Work) -> Iterator[WaitingCard]:
    """What waits, decisions first, then one's own records, one's people's, imports that left something behind."""
    setting = setting_of(work)
    claimed, left = claim_card(reader, work, setting), import_card(reader, work, setting)
    yield from (claimed,) if claimed is not None else ()
    yield from waiting_cards(reader, work, setting)
    yield from team_cards(reader, work, setting)
    yield from (left,) if left is not None else ()


def _guides(reader: Reader, work: Work) -> tuple[GuideCard, ...]:
    """The guided starts that are not finished, for administrators."""
    if not work.policy.admin:
        return ()
    found = guided_start.guides(reader, work)
    return tuple(card_of(work, each) for each in found if each.done < len(each.steps))


def _greeting(say: Words, local: datetime, name: str) -> str:
    part = "morning" if local.hour < NOON else "afternoon" if local.hour < EVENING else "evening"
    return say(f"today.{part}", name=name)


def entities_in_use(work: Work) -> Iterator[EntityPolicy]:
    """The entities of installed apps that the person may read and open; lines and the core's own left out."""
    for app in work.model.catalogue.apps.values():
        if app.id == "core":
            continue
        order = [
            item.target if "." in item.target else f"{app.id}.{item.target}"
            for item in app.navigation
            if item.kind == "entity"
        ]
        rest = [entity.ref for entity in app.entities.values() if entity.ref not in order]
        for ref in (*order, *rest):
            policy = work.policy.entity(ref)
            if policy is not None and policy.entity.parent is None:
                yield policy


def _apps(reader: Reader, work: Work) -> tuple[AppTiles, ...]:
    labels, locale = work.context.labels, work.context.locale
    found: dict[str, list[Tile]] = {}
    for policy in entities_in_use(work):
        tiles = found.setdefault(policy.entity.app, [])
        if len(tiles) < TILES:
            tiles.append(_tile(reader, work, policy))
    return tuple(AppTiles(labels.text(locale, app, "app"), tuple(tiles)) for app, tiles in found.items())


def _tile(reader: Reader, work: Work, policy: EntityPolicy) -> Tile:
    say, ref = words(work.context.locale), policy.entity.ref
    count = read_records.count(reader, work, Query(ref, ("id",)), COUNT_LIMIT + 1)
    note = ""
    if "owner" in policy.readable:
        mine = Query(ref, ("id",), {"==": [{"var": "owner"}, work.context.actor.id]})
        own = read_records.count(reader, work, mine, COUNT_LIMIT + 1)
        note = say("today.mine", count=f"{own:,}") if 0 < own < count else ""
    return Tile(
        label=work.context.labels.entity(work.context.locale, policy.entity, "plural"),
        href=f"/apps/{ref.replace('.', '/')}",
        icon=icon_or_default(policy.entity.icon),
        value=say("today.more_than", count=f"{COUNT_LIMIT:,}") if count > COUNT_LIMIT else f"{count:,}",
        note=note,
    )


def _mine(reader: Reader, work: Work) -> Iterator[Mine]:
    """The first rows of each list whose own filter speaks of `$user`; empty ones are left out."""
    setting = setting_of(work)
    for policy in entities_in_use(work):
        for view in list_views(work, policy.entity.ref):
            if view.filter is None or not any(path[0] == "$user" for path in view.filter.dependencies):
                continue
            table = prepare_table(work, policy, view, setting)
            sort = tuple(("-" if key.descending else "") + ".".join(key.path) for key in view.sort)
            query = Query(policy.entity.ref, table.paths, sort=sort, limit=MINE, extra=(view.filter,))
            try:
                page = read_records.list_page(reader, work, query)
                count = read_records.count(reader, work, query, COUNT_LIMIT + 1)
            except Refused:  # a list over what the person may not see does not exist for them
                continue
            if page.ids:
                yield Mine(
                    title=setting.labels.text(setting.locale, policy.entity.app, f"list:{view.id}"),
                    href=f"/apps/{policy.entity.ref.replace('.', '/')}?view={view.id}",
                    count=f"{count:,}",
                    heads=table.headings,
                    rows=drawn(map(table.row, page.ids, page.rows)),
                )


def _recent(reader: Reader, work: Work) -> tuple[Recent, ...]:
    found: list[tuple[int, Recent]] = []
    for policy in entities_in_use(work):
        if {"updated_by", "updated_at"} <= policy.readable.keys():
            found.extend(_changed(reader, work, policy))
    found.sort(key=lambda pair: pair[0], reverse=True)
    return tuple(recent for _, recent in found[:RECENT])


def _changed(reader: Reader, work: Work, policy: EntityPolicy) -> Iterator[tuple[int, Recent]]:
    labels, locale, ref = work.context.labels, work.context.locale, policy.entity.ref
    title = policy.title
    fields = ("updated_at", title.id) if title is not None and title.codec.columns else ("updated_at",)
    mine = {"==": [{"var": "updated_by"}, work.context.actor.id]}
    page = read_records.list_page(reader, work, Query(ref, fields, mine, ("-updated_at",), limit=RECENT))
    for ident, row in zip(page.ids, page.rows, strict=True):
        at = datetime.fromtimestamp(row[0] / 1000, work.context.zone)
        column = page.columns[-1]
        text = (
            column.field.codec.text(column.field.codec.load(row[column.start : column.stop])) if title else ""
        )
        yield (
            row[0],
            Recent(
                title=text or words(locale)("list.untitled"),
                href=f"/apps/{ref.replace('.', '/')}/{ident}",
                icon=icon_or_default(policy.entity.icon),
                entity=labels.entity(locale, policy.entity),
                at=at.isoformat(timespec="seconds"),
                when=f"{at:%m-%d %H:%M}",
            ),
        )


ROUTES = (Route("/", show_today, SIGNED_IN),)
