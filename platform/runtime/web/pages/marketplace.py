"""The marketplace: what there is, what it holds and asks for, what installing would do; installing and removing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.definition import Package
from dacheng.metadata.labels import best_locale, fill
from dacheng.metadata.problem import Problem, refuse
from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, marketplace, remove_sample, sample_data
from dacheng.runtime.services.install_app import InstallPlan
from dacheng.runtime.services.marketplace import Listing
from dacheng.runtime.services.preview_retype import RetypePreview
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.form_body import ErrorLine, read_form
from dacheng.runtime.web.jobs import Progress
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.pages.progress import begin, jobs_of
from dacheng.runtime.web.render import flash, locale_of, render
from dacheng.runtime.web.routing import BUILDER, Route, host_of, in_thread, user_of, work_of
from dacheng.runtime.web.shell import icon_or_default
from dacheng.runtime.web.words import catalogue as word_catalogue
from dacheng.runtime.web.words import words

BASE = "core"


@dataclass(frozen=True, slots=True)
class Card:
    """One app on offer."""

    app: str
    name: str
    summary: str
    icon: str
    version: str
    installed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketplacePage(Page):
    """All apps on offer."""

    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class RetypeView:
    """A field whose kind changes: what becomes of its values, and some that cannot be read as the new kind."""

    name: str
    about: str
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPage(Page):
    """One app: what it holds, what it asks for, what installing would do to this workspace."""

    card: Card
    description: str
    entities: tuple[str, ...]
    contents: tuple[tuple[str, int], ...]
    permissions: tuple[tuple[str, str], ...]
    changes: tuple[tuple[str, int], ...]
    records: int
    sample: int
    played: bool
    sampled: int
    kept: tuple[tuple[str, int], ...]  # what becomes of the workspace's own edits, and of how many
    retypes: tuple[RetypeView, ...]
    problems: tuple[ErrorLine, ...]
    removable: bool
    first: str


async def show_all(request: Request) -> Response:
    """The cards."""
    listings = await in_thread(marketplace.list_apps, host_of(request))
    locale = locale_of(request)
    page = MarketplacePage(
        title=words(locale)("shell.marketplace"),
        current="marketplace",
        cards=tuple(_card(each, locale) for each in listings),
    )
    return render(request, "marketplace.html", page)


async def show_one(request: Request) -> Response:
    """One app with its plan."""
    host, work, locale = host_of(request), work_of(request), locale_of(request)
    listing = await _listing(request)
    package, plan = await in_thread(_look, host, listing)
    sampled = await host.db.read(lambda reader: remove_sample.count(reader, work.model, listing.app))
    card = _card(listing, locale)
    app = work.model.catalogue.apps.get(card.app)
    page = AppPage(
        title=card.name,
        current="marketplace",
        crumbs=(Link(words(locale)("shell.marketplace"), "/marketplace"),),
        back="/marketplace",
        card=card,
        description=listing.description(locale),
        entities=_entities(package, locale),
        contents=_contents(package, locale),
        permissions=_permissions(work, package, plan, locale),
        changes=_changes(plan, locale),
        records=sum(plan.records.values()),
        sample=sum(plan.sample.values()),
        played=any(kind == "scenario" for kind, _ in package.items),
        sampled=sampled,
        kept=_kept(plan, locale),
        retypes=_retypes(work, plan, locale),
        problems=_problems(plan.problems, locale),
        removable=bool(card.installed) and card.app != BASE,
        first=f"/apps/{card.app}/{next(iter(app.entities))}" if app is not None and app.entities else "",
    )
    return render(request, "marketplace_app.html", page)


async def install(request: Request) -> Response:
    """Install or upgrade in the background and lead to the page that watches it."""
    form = await read_form(request, "sample")
    host, work = host_of(request), work_of(request)
    listing = await _listing(request)
    place = f"/marketplace/{listing.app}"

    def work_off(progress: Progress) -> dict[str, int]:
        candidate = marketplace.offered_package(host, listing.app)
        done = sample_data.install(host, work, candidate, sample=bool(form["sample"]), progress=progress)
        return {"records": sum(done.records.values())}

    title = words(locale_of(request))("market.installing", app=listing.name(locale_of(request)))
    return begin(request, title, f"{place}/done?job={{job}}", place, work_off)


async def uninstall(request: Request) -> Response:
    """Take an app out after the person typed its id; its data is archived, not deleted."""
    form = await read_form(request, "consent")
    host, work = host_of(request), work_of(request)
    listing = await _listing(request)
    place = f"/marketplace/{listing.app}"
    if form["consent"].strip() != listing.app:
        response = RedirectResponse(place, 303)
        flash(response, "market.consent_missing", tone="watch", app=listing.app)
        return response

    def work_off(progress: Progress) -> dict[str, int]:
        install_app.uninstall(host, work, listing.app, progress=progress)
        return {"removed": 1}

    title = words(locale_of(request))("market.removing", app=listing.name(locale_of(request)))
    return begin(request, title, f"{place}/done?job={{job}}", place, work_off)


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A sample record that stays, with the reason."""

    title: str
    href: str
    entity: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePage(Page):
    """What became of an app's sample data."""

    removed: int
    kept: int
    lines: tuple[KeptLine, ...]


async def remove_sample_data(request: Request) -> Response:
    """Erase an app's sample data in the background and lead to the page that says what became of it."""
    host, work = host_of(request), work_of(request)
    listing = await _listing(request)
    place, labels, locale = f"/marketplace/{listing.app}", work.model.labels, locale_of(request)

    def work_off(progress: Progress) -> dict[str, object]:
        done = remove_sample.remove(host, work, listing.app, progress)
        entities = work.model.catalogue.entities
        lines = [
            {
                "title": each.title,
                "href": f"/apps/{each.entity.replace('.', '/')}/{each.record}",
                "entity": labels.entity(locale, entities[each.entity]),
                "reason": each.reason.message_in(locale),
            }
            for each in done.named
        ]
        return {"removed": done.total, "kept": done.kept, "lines": lines}

    title = words(locale)("market.removing_sample", app=listing.name(locale))
    return begin(request, title, f"{place}/sample?job={{job}}", place, work_off)


async def sample_removed(request: Request) -> Response:
    """How many sample records went, and which stay and why."""
    job = jobs_of(request).get(request.query_params.get("job", ""), user_of(request).id)
    listing = await _listing(request)
    page = SamplePage(
        title=words(locale_of(request))("market.sample_title", app=listing.name(locale_of(request))),
        current="marketplace",
        crumbs=(Link(words(locale_of(request))("shell.marketplace"), "/marketplace"),),
        back=f"/marketplace/{listing.app}",
        removed=job.result["removed"],
        kept=job.result["kept"],
        lines=tuple(KeptLine(**each) for each in job.result["lines"]),
    )
    return render(request, "marketplace_sample.html", page)


async def done(request: Request) -> Response:
    """Say once what was done, on the app's page."""
    job = jobs_of(request).get(request.query_params.get("job", ""), user_of(request).id)
    listing = await _listing(request)
    response = RedirectResponse(f"/marketplace/{listing.app}", 303)
    name = listing.name(locale_of(request))
    if "removed" in job.result:
        flash(response, "market.removed", app=name)
    elif records := job.result.get("records"):
        flash(response, "market.installed_now", app=name, records=str(records))
    else:
        flash(response, "market.installed_bare", app=name)
    return response


def _look(host: Host, listing: Listing) -> tuple[Package, InstallPlan]:
    """The package on offer with its plan; what is installed from elsewhere has neither."""
    if listing.folder is None:
        return Package({"id": listing.app, "version": listing.version}, {}), InstallPlan(
            listing.app, listing.version, None
        )
    candidate = marketplace.offered_package(host, listing.app)
    return candidate.package, install_app.plan_install(host, candidate)


async def _listing(request: Request) -> Listing:
    app = request.path_params["app"]
    listings = await in_thread(marketplace.list_apps, host_of(request))
    found = next((each for each in listings if each.app == app), None)
    if found is None:
        raise refuse("web.not_found")
    return found


def _card(listing: Listing, locale: str) -> Card:
    return Card(
        listing.app,
        listing.name(locale),
        listing.summary(locale),
        icon_or_default(listing.icon),
        listing.version,
        listing.installed or "",
    )


def _entities(package: Package, locale: str) -> tuple[str, ...]:
    """The names of what the app keeps records of, in its own words."""
    best = best_locale(locale, tuple(package.labels) or (locale,))
    texts, terms = package.labels.get(best, {}), package.terms.get(best, {})
    found = [
        fill(texts.get(f"entity:{name}", name), terms)
        for (kind, name), item in package.items.items()
        if kind == "entity" and "x-parent" not in item
    ]
    return tuple(found)


def _contents(package: Package, locale: str) -> tuple[tuple[str, int], ...]:
    """(what, how many) of each kind of item that has a word of its own."""
    counts = Counter(kind for kind, _ in package.items)
    known = word_catalogue()
    say = words(locale)
    return tuple(
        (say(f"market.kind_{kind}"), count)
        for kind, count in counts.items()
        if f"market.kind_{kind}" in known
    )


def _permissions(work: Work, package: Package, plan: InstallPlan, locale: str) -> tuple[tuple[str, str], ...]:
    """(entity, actions) that the app's automation asks for."""
    say = words(locale)
    best = best_locale(locale, tuple(package.labels) or (locale,))
    texts, terms = package.labels.get(best, {}), package.terms.get(best, {})

    def name(ref: str) -> str:
        entity = ref.rpartition(".")[2]
        if f"entity:{entity}" in texts:
            return fill(texts[f"entity:{entity}"], terms)
        policy = work.policy.entity(ref)
        return work.model.labels.entity(locale, policy.entity) if policy else ref

    joined = "、" if locale.startswith("zh") else ", "
    return tuple(
        (name(ref), joined.join(say(f"market.may_{action}") for action in actions))
        for ref, actions in plan.permissions.items()
    )


def _changes(plan: InstallPlan, locale: str) -> tuple[tuple[str, int], ...]:
    say, known = words(locale), word_catalogue()
    counts = Counter(each.kind for each in plan.changes)
    return tuple(
        (say(f"market.change_{kind}") if f"market.change_{kind}" in known else kind, count)
        for kind, count in counts.items()
    )


def _kept(plan: InstallPlan, locale: str) -> tuple[tuple[str, int], ...]:
    """What becomes of edits made in the workspace, counted; a plan that changes no version has nothing to tell."""
    counts = Counter(each.kind for each in plan.outcomes)
    return tuple((words(locale)(f"market.edits_{kind}"), count) for kind, count in counts.items())


def _retypes(work: Work, plan: InstallPlan, locale: str) -> tuple[RetypeView, ...]:
    say, labels = words(locale), work.model.labels

    def view(each: RetypePreview) -> RetypeView:
        entity = work.model.catalogue.entities[each.entity]
        name = f"{labels.entity(locale, entity)} · {labels.field(locale, entity.fields[each.field])}"
        key = "market.retype_fails" if each.failing else "market.retype_fits"
        return RetypeView(name, say(key, failing=each.failing, count=each.values), each.samples)

    return tuple(map(view, plan.retypes))


def _problems(problems: tuple[Problem, ...], locale: str) -> tuple[ErrorLine, ...]:
    return tuple(
        ErrorLine(
            " ".join(text for text in (each.file, each.message_in(locale), each.hint_in(locale)) if text)
        )
        for each in problems[:50]
    )


ROUTES = (
    Route("/marketplace", show_all, BUILDER),
    Route("/marketplace/{app}", show_one, BUILDER),
    Route("/marketplace/{app}/install", install, BUILDER, ("POST",), per_minute=10),
    Route("/marketplace/{app}/uninstall", uninstall, BUILDER, ("POST",), per_minute=10),
    Route("/marketplace/{app}/sample/remove", remove_sample_data, BUILDER, ("POST",), per_minute=10),
    Route("/marketplace/{app}/sample", sample_removed, BUILDER),
    Route("/marketplace/{app}/done", done, BUILDER),
)
