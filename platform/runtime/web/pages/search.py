"""Search over everything one may read: the best few of each entity, and the way to all of them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from dacheng.runtime.services import gate, read_records
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.render import render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of
from dacheng.runtime.web.shell import icon_or_default
from dacheng.runtime.web.words import words

SHOWN = 8
COUNT_LIMIT = 100
MAX_TEXT = 100


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one entity."""

    label: str
    icon: str
    all: str
    count: int
    items: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage(Page):
    """The words looked for and what was found."""

    q: str
    said: str
    groups: tuple[Group, ...]


async def show_search(request: Request) -> Response:
    """The search page; without words it asks for some."""
    work = work_of(request)
    text = request.query_params.get("q", "").strip()[:MAX_TEXT]
    groups = await host_of(request).db.read(lambda reader: _find(reader, work, text)) if text else ()
    say, count = words(work.context.locale), sum(group.count for group in groups)
    page = SearchPage(
        title=say("search.title"),
        back="/",
        scripts=("search.js",),
        q=text,
        said=say("search.found", count=count, text=text) if count else say("search.nothing", text=text),
        groups=groups,
    )
    return render(request, "search.html", page)


def _find(reader: Reader, work: Work, text: str) -> tuple[Group, ...]:
    found = [
        _group(reader, work, policy, text)
        for policy in work.policy.entities.values()
        if policy.entity.parent is None and gate.search_fields(policy)
    ]
    return tuple(sorted((group for group in found if group.items), key=lambda group: -group.count))


def _group(reader: Reader, work: Work, policy: EntityPolicy, text: str) -> Group:
    ref, labels, locale = policy.entity.ref, work.context.labels, work.context.locale
    query = Query(ref, ("id",), search=text, limit=SHOWN)
    ids = read_records.list_page(reader, work, query).ids
    titles = read_records.titles(reader, work, ref, ids)
    place, unnamed = f"/apps/{ref.replace('.', '/')}", words(locale)("list.untitled")
    return Group(
        label=labels.entity(locale, policy.entity, "plural"),
        icon=icon_or_default(policy.entity.icon),
        all=f"{place}?{urlencode({'q': text})}",
        count=read_records.count(reader, work, query, COUNT_LIMIT) if len(ids) == SHOWN else len(ids),
        items=tuple(Link(titles.get(ident) or unnamed, f"{place}/{ident}") for ident in ids),
    )


ROUTES = (Route("/search", show_search, SIGNED_IN),)
