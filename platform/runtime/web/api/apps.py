"""The marketplace: what is on offer, what installing would do, installing and removing as jobs."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import refuse
from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, marketplace, remove_sample, sample_data
from dacheng.runtime.services.install_app import InstallPlan
from dacheng.runtime.services.marketplace import Listing
from dacheng.runtime.web.api.bodies import Body
from dacheng.runtime.web.api.jobs import JOB, begin
from dacheng.runtime.web.api.operation import NUMBER, TEXT, TRUTH, Operation, by_name, items, list_of, shape
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.errors import problem_items
from dacheng.runtime.web.jobs import Progress
from dacheng.runtime.web.render import locale_of
from dacheng.runtime.web.routing import host_of, in_thread, work_of
from dacheng.runtime.web.words import words

INSTALL_BODY: Final = Body({"sample": TRUTH})
UNINSTALL_BODY: Final = Body({"consent": TEXT}, ("consent",))
LISTING_SHAPE: Final = shape(
    app=TEXT,
    name=TEXT,
    summary=TEXT,
    version=TEXT,
    installed={"type": ["string", "null"]},
    requires=list_of(TEXT),
)
PLAN_SHAPE: Final = shape(
    replaces={"type": ["string", "null"]},
    changes=by_name(NUMBER),
    permissions=by_name(list_of(TEXT)),
    records=by_name(NUMBER),
    sample=by_name(NUMBER),
    outcomes=list_of(TEXT),
    retypes=list_of(
        shape(
            **{"entity": TEXT, "field": TEXT, "from": TEXT, "to": TEXT},
            values=NUMBER,
            failing=NUMBER,
            samples=list_of(TEXT),
        )
    ),
    warnings=list_of(by_name(TEXT)),
    problems=list_of(by_name(TEXT)),
)


async def list_apps(request: Request) -> Response:
    """Everything on offer and everything installed."""
    locale = locale_of(request)
    found = await in_thread(marketplace.list_apps, host_of(request))
    return answer({"items": [_listing(each, locale) for each in found]})


async def show_app(request: Request) -> Response:
    """One app with the plan of installing it now; `plan` is null for what is installed from elsewhere."""
    host, locale = host_of(request), locale_of(request)
    listing = await _find(request)
    plan = await in_thread(_plan_of, host, listing)
    shown = _listing(listing, locale) | {"description": listing.description(locale)}
    return answer(shown | {"plan": _plan(plan, locale) if plan else None})


async def install(request: Request) -> Response:
    """Install or upgrade as a job; `sample` (true unless said) brings the app's sample records along."""
    sample = (await INSTALL_BODY.read(request)).get("sample", True)
    host, work = host_of(request), work_of(request)
    listing = await _find(request)
    candidate = await in_thread(marketplace.offered_package, host, listing.app)

    def work_off(progress: Progress) -> dict[str, int]:
        done = sample_data.install(host, work, candidate, sample=sample, progress=progress)
        return {"records": sum(done.records.values())}

    title = words(locale_of(request))("market.installing", app=listing.name(locale_of(request)))
    return begin(request, title, f"/marketplace/{listing.app}", work_off)


async def uninstall(request: Request) -> Response:
    """Take an app out as a job; `consent` repeats its id. Its data is archived, not deleted."""
    consent = (await UNINSTALL_BODY.read(request))["consent"]
    host, work = host_of(request), work_of(request)
    listing = await _find(request)
    if consent != listing.app:
        raise refuse("web.consent_missing", "/consent", app=listing.app)

    def work_off(progress: Progress) -> dict[str, int]:
        install_app.uninstall(host, work, listing.app, progress=progress)
        return {"removed": 1}

    title = words(locale_of(request))("market.removing", app=listing.name(locale_of(request)))
    return begin(request, title, f"/marketplace/{listing.app}", work_off)


async def remove_sample_data(request: Request) -> Response:
    """Erase an app's sample data as a job; its result says how many records went and how many stay."""
    host, work = host_of(request), work_of(request)
    listing = await _find(request)

    def work_off(progress: Progress) -> dict[str, int]:
        done = remove_sample.remove(host, work, listing.app, progress)
        return {"removed": done.total, "kept": done.kept}

    title = words(locale_of(request))("market.removing_sample", app=listing.name(locale_of(request)))
    return begin(request, title, f"/marketplace/{listing.app}", work_off)


async def _find(request: Request) -> Listing:
    name = request.path_params["app"]
    found = await in_thread(marketplace.list_apps, host_of(request))
    listing = next((each for each in found if each.app == name), None)
    if listing is None:
        raise refuse("web.not_found")
    return listing


def _plan_of(host: Host, listing: Listing) -> InstallPlan | None:
    if listing.folder is None:
        return None
    return install_app.plan_install(host, marketplace.offered_package(host, listing.app))


def _listing(each: Listing, locale: str) -> dict[str, Any]:
    return {
        "app": each.app,
        "name": each.name(locale),
        "summary": each.summary(locale),
        "version": each.version,
        "installed": each.installed or None,
        "requires": list(each.requires),
    }


def _plan(plan: InstallPlan, locale: str) -> dict[str, Any]:
    return {
        "replaces": plan.replaces,
        "changes": dict(Counter(each.kind for each in plan.changes)),
        "permissions": {ref: list(actions) for ref, actions in plan.permissions.items()},
        "records": dict(plan.records),
        "sample": dict(plan.sample),
        "outcomes": [str(each) for each in plan.outcomes],
        "retypes": [each.json() for each in plan.retypes],
        "warnings": problem_items(plan.warnings, locale),
        "problems": problem_items(plan.problems, locale),
    }


_APP = "/api/v1/marketplace/{app}"
_ONE = {"allOf": [LISTING_SHAPE, shape(description=TEXT, plan={"oneOf": [PLAN_SHAPE, {"type": "null"}]})]}
OPERATIONS: Final = (
    Operation("GET", "/api/v1/marketplace", list_apps, "list_apps", items(LISTING_SHAPE)),
    Operation("GET", _APP, show_app, "show_app", _ONE),
    Operation(
        "POST", _APP + "/install", install, "install_app", JOB, body=INSTALL_BODY, status=202, per_minute=10
    ),
    Operation(
        "DELETE", _APP + "/sample", remove_sample_data, "remove_sample_data", JOB, status=202, per_minute=10
    ),
    Operation(
        "POST",
        _APP + "/uninstall",
        uninstall,
        "uninstall_app",
        JOB,
        body=UNINSTALL_BODY,
        status=202,
        per_minute=10,
    ),
)
