"""The workspace's own settings for administrators: its address for mails, and what is installed and set."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.problem import Refused
from dacheng.runtime.settings import save_settings
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.form_body import NOTHING_WRONG, Wrong, read_form, wrong_with
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.pages.settings import tabs
from dacheng.runtime.web.render import flash, locale_of, render
from dacheng.runtime.web.routing import BUILDER, Route, host_of, in_thread, work_of
from dacheng.runtime.web.words import words


@dataclass(frozen=True, slots=True)
class AppView:
    """One installed app."""

    id: str
    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspacePage(Page):
    """Address, zone and installed apps; `suggested` is the address this page was opened with."""

    tabs: tuple[Link, ...]
    base_url: str
    suggested: str
    zone: str
    apps: tuple[AppView, ...]
    plugins: tuple[str, ...]
    wrong: Wrong = NOTHING_WRONG


async def show(request: Request) -> Response:
    """The page."""
    return _page(request)


async def set_address(request: Request) -> Response:
    """Set the address that links in mails start with."""
    form = await read_form(request, "base_url")
    host = host_of(request)
    try:
        changed = await in_thread(save_settings, host.settings, {"base_url": form["base_url"].strip()})
    except Refused as refused:
        return _page(request, form["base_url"], refused)
    host.apply_settings(changed)
    response = RedirectResponse("/settings/workspace", 303)
    flash(response, "settings.address_set")
    return response


def _page(request: Request, typed: str | None = None, refused: Refused | None = None) -> Response:
    work, host, locale = work_of(request), host_of(request), locale_of(request)
    problems = refused.problems if refused else ()
    page = WorkspacePage(
        title=words(locale)("settings.workspace"),
        current="settings",
        crumbs=(Link(words(locale)("shell.settings"), "/settings"),),
        back="/settings",
        tabs=tabs(request),
        base_url=host.settings.base_url if typed is None else typed,
        suggested=str(request.base_url).rstrip("/"),
        zone=host.settings.zone,
        apps=tuple(
            AppView(app.id, work.model.labels.text(locale, app.id, "app"), app.version)
            for app in work.model.catalogue.apps.values()
        ),
        plugins=host.plugins.names,
        wrong=wrong_with(problems, locale, ("base_url",)),
    )
    return render(request, "workspace.html", page, status=status_of(problems) if refused else 200)


ROUTES = (
    Route("/settings/workspace", show, BUILDER),
    Route("/settings/workspace", set_address, BUILDER, ("POST",)),
)
