"""Every address of a page that changes something has its counterpart in the API, or a reason why not."""

from __future__ import annotations

from collections.abc import Iterable

from dacheng.runtime.web.api.routes import API_ROUTES
from dacheng.runtime.web.app import page_routes
from dacheng.runtime.web.routing import Route

RECORD = "/api/v1/apps/{app}/{entity}/{id}"
FILE, RUN = "/api/v1/imports/files/{id}", "/api/v1/imports/{id}"
PERSON, WORDS = "/api/v1/people/{id}", "/api/v1/labels/{app}/{locale}"
VIEWS = "/api/v1/apps/{app}/{entity}/views"
MARKET = "/api/v1/marketplace/{app}"

# What a page posts to → every call of the API that does the same.
COUNTERPARTS: dict[str, tuple[str, ...]] = {
    "/apps/{app}/{entity}/new": ("POST /api/v1/apps/{app}/{entity}",),
    "/apps/{app}/{entity}/{id}/edit": (f"PATCH {RECORD}",),
    "/apps/{app}/{entity}/{id}/transitions/{transition}": (f"POST {RECORD}/transitions/{{transition}}",),
    "/apps/{app}/{entity}/{id}/delete": (f"DELETE {RECORD}",),
    "/apps/{app}/{entity}/{id}/restore": (f"POST {RECORD}/restore",),
    "/apps/{app}/{entity}/{id}/merge": (f"POST {RECORD}/merge",),
    "/apps/{app}/{entity}/merges/{merge}/undo": ("POST /api/v1/apps/{app}/{entity}/merges/{merge}/undo",),
    "/apps/{app}/{entity}/{id}/cell": (f"PATCH {RECORD}",),
    "/apps/{app}/{entity}/{id}/place": (f"POST {RECORD}/place",),
    "/apps/{app}/{entity}/bulk": ("POST /api/v1/apps/{app}/{entity}/bulk",),
    "/apps/{app}/{entity}/bulk/{cause}/undo": ("POST /api/v1/apps/{app}/{entity}/bulk/{cause}/undo",),
    "/apps/{app}/{entity}/claims/new": ("POST /api/v1/apps/{app}/{entity}/claims",),
    "/claims/{id}": ("POST /api/v1/claims/{id}/decide",),
    "/apps/{app}/{entity}/export": ("GET /api/v1/apps/{app}/{entity}/export.csv",),
    "/apps/{app}/{entity}/views": (f"POST {VIEWS}", f"PATCH {VIEWS}/{{view}}"),
    "/apps/{app}/{entity}/views/default": (f"PUT {VIEWS}/default",),
    "/apps/{app}/{entity}/views/columns": (f"PUT {VIEWS}/{{view}}/columns", f"PUT {VIEWS}/density"),
    "/apps/{app}/{entity}/views/{view}": (f"PATCH {VIEWS}/{{view}}",),
    "/apps/{app}/{entity}/views/{view}/delete": (f"DELETE {VIEWS}/{{view}}",),
    "/apps/{app}/{entity}/{id}/comments": (f"POST {RECORD}/comments",),
    "/apps/{app}/{entity}/{id}/comments/{comment}/edit": (f"PATCH {RECORD}/comments/{{comment}}",),
    "/apps/{app}/{entity}/{id}/comments/{comment}/delete": (f"DELETE {RECORD}/comments/{{comment}}",),
    "/apps/{app}/{entity}/{id}/attachments": (f"POST {RECORD}/attachments",),
    "/apps/{app}/{entity}/{id}/attachments/{attachment}/delete": (
        f"DELETE {RECORD}/attachments/{{attachment}}",
    ),
    "/apps/{app}/{entity}/{id}/attachments/{attachment}/restore": (
        f"POST {RECORD}/attachments/{{attachment}}/restore",
    ),
    "/apps/{app}/{entity}/{id}/changes/{seq}/undo": (f"POST {RECORD}/changes/{{seq}}/undo",),
    "/apps/{app}/{entity}/{id}/collaborators": (f"PUT {RECORD}/collaborators/{{user}}",),
    "/apps/{app}/{entity}/{id}/collaborators/remove": (f"DELETE {RECORD}/collaborators/{{user}}",),
    "/handover/{person}": ("POST /api/v1/handovers", "GET /api/v1/handovers/of/{id}"),
    "/handover/{person}/undo": ("POST /api/v1/handovers/{id}/undo",),
    "/apps/{app}/{entity}/{id}/purge": (f"POST {RECORD}/purge",),
    "/notifications/read": ("POST /api/v1/me/notifications/read",),
    "/import": ("POST /api/v1/imports/files",),
    "/import/draft/{id}": (f"GET {FILE}", f"POST {FILE}/preview", f"POST {FILE}/start"),
    "/import/draft/{id}/forget": (f"DELETE {FILE}",),
    "/import/{id}/go-on": (f"POST {RUN}/go-on",),
    "/import/{id}/cancel": (f"POST {RUN}/cancel",),
    "/import/{id}/undo": (f"POST {RUN}/undo",),
    "/labels/term": (f"PUT {WORDS}/terms/{{term}}",),
    "/labels/term/reset": (f"DELETE {WORDS}/terms/{{term}}",),
    "/labels/label": (f"PUT {WORDS}/texts/{{slot}}",),
    "/labels/label/reset": (f"DELETE {WORDS}/texts/{{slot}}",),
    "/marketplace/{app}/install": (f"POST {MARKET}/install",),
    "/marketplace/{app}/uninstall": (f"POST {MARKET}/uninstall",),
    "/marketplace/{app}/sample/remove": (f"DELETE {MARKET}/sample",),
    "/settings/people/new": ("POST /api/v1/people",),
    "/settings/people/{id}/roles": (f"PUT {PERSON}/roles/{{role}}", f"DELETE {PERSON}/roles/{{role}}"),
    "/settings/people/{id}/suspend": (f"POST {PERSON}/suspend",),
    "/settings/people/{id}/reinstate": (f"POST {PERSON}/reinstate",),
    "/settings/people/{id}/invite": (f"POST {PERSON}/invite",),
    "/forms/new": ("POST /api/v1/forms",),
    "/forms/{id}": ("PATCH /api/v1/forms/{id}",),
    "/forms/{id}/switch": ("PATCH /api/v1/forms/{id}",),
    "/settings/password": ("POST /api/v1/me/password",),
    "/settings/sessions/end": ("DELETE /api/v1/me/sessions", "DELETE /api/v1/me/sessions/{key}"),
    "/settings/tokens": ("POST /api/v1/me/tokens",),
    "/settings/tokens/end": ("DELETE /api/v1/me/tokens/{id}",),
    "/settings/workspace": ("PATCH /api/v1/workspace",),
    "/settings/jobs/retry": ("POST /api/v1/jobs/failed/retry",),
    "/settings/jobs/{id}/retry": ("POST /api/v1/jobs/failed/{id}/retry",),
    "/settings/jobs/{id}/discard": ("POST /api/v1/jobs/failed/{id}/discard",),
    "/sign-out": ("DELETE /api/v1/me/sessions/{key}",),
}

# What a page posts to that programs have no use for.
BROWSERS_ONLY = {
    "/sign-in": "gives a browser its cookie; programs carry an API token",
    "/preferences": "a browser's own language and look; programs send Accept-Language",
    "/progress/{id}/stop": "ends what a page began and watches; a program closes the connection it reads from",
    "/my-dashboard": "how a person lays out figures on their own screen; programs read the measures themselves",
    "/my-dashboard/undo": "the last step of the same",
    "/reset": "whoever lost their password holds no token; the link in the mail leads to a page",
    "/apps/{app}/{entity}/new/follow": "what a form shows before it is saved; a save decides the same by itself",
    "/apps/{app}/{entity}/{id}/edit/follow": "the same while a record is changed",
    "/f/{token}": "a published form is filled in by visitors; a share link opens nothing of the API",
    "/import/{app}/{entity}/paste": "rows pasted by hand; a program sends the same text as a file",
    "/setup": "before the first administrator nobody can hold a token; programs use the command line",
}


def changing(routes: Iterable[Route]) -> dict[tuple[str, str], Route]:
    return {(method, each.path): each for each in routes for method in each.methods if method != "GET"}


def test_every_page_that_changes_something_has_a_counterpart_in_the_api() -> None:
    posted = {path for _, path in changing(page_routes())}
    assert posted == COUNTERPARTS.keys() | BROWSERS_ONLY.keys()


def test_every_counterpart_is_there_for_the_same_people() -> None:
    pages = {path: each for (_, path), each in changing(page_routes()).items()}
    api = {f"{method} {each.path}": each for each in API_ROUTES for method in each.methods}
    for page, calls in COUNTERPARTS.items():
        for call in calls:
            assert call in api, call
            wanted = "signed_in" if pages[page].permission == "public" else pages[page].permission
            assert api[call].permission == wanted, call
            assert api[call].upload == pages[page].upload, call
            assert not pages[page].per_minute or "GET" in call or api[call].per_minute, call
