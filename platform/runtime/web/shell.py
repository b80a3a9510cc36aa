"""The frame of a signed-in page: navigation of the apps one may see, the build pages, the phone's tabs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources

from starlette.requests import Request

from dacheng.metadata.definition import CompiledApp, NavItem
from dacheng.plugins.context import User
from dacheng.runtime.services.claims import is_arbiter
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.importing import importable
from dacheng.runtime.web.page import Group, Link, Shell
from dacheng.runtime.web.view.prepared import Prepared
from dacheng.runtime.web.view.widgets import may_see
from dacheng.runtime.web.words import words

TABS = 3
DEFAULT_ICON = "file"
_groups: Prepared[tuple[Group, ...]] = Prepared()


def shell_of(request: Request) -> Shell | None:
    """The shell of the person asking; None where nobody is signed in."""
    work = getattr(request.state, "work", None)
    if work is None or not isinstance(work.context.actor, User):
        return None
    actor, groups = work.context.actor, navigation(work)
    places = [link for group in groups[1:2] for link in group.links][:TABS]
    return Shell(
        workspace=words(work.context.locale)("shell.product"),
        user_id=actor.id,
        user_name=actor.name,
        groups=groups,
        tabs=(*groups[0].links[:1], *places),
    )


def navigation(work: Work) -> tuple[Group, ...]:
    """Today, then each app's entries that the person may open, then the pages beside the apps."""
    labels, locale = work.context.labels, work.context.locale
    actor = work.context.actor
    roles = actor.roles if isinstance(actor, User) else frozenset[str]()
    key = (work.policy.hash, labels.hash, locale, is_arbiter(work), roles)
    return _groups.get(key, lambda: tuple(_navigation(work)))


def icon_or_default(name: str) -> str:
    """`name` when the sheet has such a symbol, else the plain file."""
    return name if name in icon_names() else DEFAULT_ICON


@cache
def icon_names() -> frozenset[str]:
    """The symbols of `static/icons.svg`."""
    sheet = resources.files("dacheng.runtime.web").joinpath("static", "icons.svg")
    return frozenset(re.findall(r'<symbol id="([a-z-]+)"', sheet.read_text("utf-8")))


def _navigation(work: Work) -> list[Group]:
    say = words(work.context.locale)
    first = [Link(say("shell.today"), "/", "home", "today")]
    if any(
        may_see(work, board)
        for app in work.model.catalogue.apps.values()
        for board in app.dashboards.values()
    ):
        first.append(Link(say("shell.my-dashboard"), "/my-dashboard", "chart", "my-dashboard"))
    groups = [Group("", tuple(first))]
    apps = sorted(work.model.catalogue.apps.values(), key=lambda app: app.id == "core")
    for app in apps:
        groups.extend(_of_app(work, app))
    links = [Link(say(f"shell.{key}"), f"/{key}", icon, key) for key, icon in _tools(work)]
    groups.append(Group(say("shell.build" if work.policy.admin else "shell.tools"), tuple(links)))
    return groups


def _of_app(work: Work, app: CompiledApp) -> Iterator[Group]:
    """What the person may open of an app, group by group, each where its first entry stands."""
    found: dict[str, list[Link]] = {"": []}
    for item in app.navigation:
        link = _link(work, app, item)
        if link is not None:
            found.setdefault(item.group, []).append(link)
    for group, links in found.items():
        if links:
            slot = f"group:{group}" if group else "app"
            yield Group(work.context.labels.text(work.context.locale, app.id, slot), tuple(links))


def _tools(work: Work) -> list[tuple[str, str]]:
    """Pages beside the apps (key, icon): import for whoever may add something, conflicts for who decides them, one's own settings for everybody."""
    build = [("marketplace", "store"), ("labels", "tag"), ("forms", "globe")] if work.policy.admin else []
    taking_in = [("import", "upload")] if importable(work) else []
    deciding = [("claims", "warn")] if is_arbiter(work) else []
    return [*build, *deciding, *taking_in, ("settings", "gear")]


def _link(work: Work, app: CompiledApp, item: NavItem) -> Link | None:
    labels, locale = work.context.labels, work.context.locale
    icon = icon_or_default(item.icon)
    if item.kind == "dashboard" and item.target in app.dashboards:
        if not may_see(work, app.dashboards[item.target]):
            return None
        text = labels.text(locale, app.id, f"dashboard:{item.target}")
        key = f"{app.id}.dashboard.{item.target}"
        return Link(text, f"/apps/{app.id}/dashboards/{item.target}", icon, key)
    if item.kind == "list" and item.target in app.lists:
        view = app.lists[item.target]
        if work.policy.entity(view.entity) is None:
            return None
        place = view.entity.replace(".", "/")
        text = labels.text(locale, app.id, f"list:{item.target}")
        return Link(text, f"/apps/{place}?view={item.target}", icon, f"{app.id}.list.{item.target}")
    if item.kind == "entity":
        ref = item.target if "." in item.target else f"{app.id}.{item.target}"
        policy = work.policy.entity(ref)
        if policy is not None:
            text = labels.entity(locale, policy.entity, "plural")
            return Link(text, f"/apps/{ref.replace('.', '/')}", icon, ref)
    return None
