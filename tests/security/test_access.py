"""T09, T11, T12, T13: who may come where, and that no detour, extra field or metadata widens it."""

from __future__ import annotations

from typing import Any

import pytest

from dacheng.runtime.web.api.routes import API_ROUTES
from dacheng.runtime.web.app import page_routes
from dacheng.runtime.web.routing import BUILDER, PUBLIC, SIGNED_IN, Route, RouteUndeclared, declared
from tests.security.conftest import API, OWN, PASSWORD, Workspace, codes

ROUTES = {(route.path, method): route for route in [*API_ROUTES, *page_routes()] for method in route.methods}
# /regions: the divisions of China, the same for everybody and nothing of the workspace
PUBLIC_PLACES = {
    "/regions",
    "/sign-in",
    "/sign-out",
    "/preferences",
    "/setup",
    "/reset",
    "/f/{token}",
    "/f/{token}/done",
}
BUILDER_ROOTS = (
    *("/marketplace", "/labels", "/settings/people", "/settings/workspace", "/settings/jobs", "/forms"),
    "/start",
    *("/api/v1/marketplace", "/api/v1/labels", "/api/v1/people", "/api/v1/roles", "/api/v1/workspace"),
    *("/api/v1/jobs/failed", "/api/v1/forms"),
)
SIGNING = {"/sign-out", "/sign-in", "/setup", "/api/v1/me/sessions"}


async def nothing(request: Any) -> Any:
    raise AssertionError(request)


def test_t09_a_route_without_a_permission_stops_the_start() -> None:
    with pytest.raises(RouteUndeclared, match="/x declares no permission"):
        declared([Route("/x", nothing)])
    with pytest.raises(RouteUndeclared):
        declared([Route("/x", nothing, "everybody")])
    with pytest.raises(RouteUndeclared, match="twice"):
        declared([Route("/x", nothing, PUBLIC), Route("/x", nothing, SIGNED_IN)])


def test_t09_the_declared_matrix_is_the_one_meant() -> None:
    assert {path for (path, _), route in ROUTES.items() if route.permission == PUBLIC} == PUBLIC_PLACES
    builder = {path for (path, _), route in ROUTES.items() if route.permission == BUILDER}
    assert builder
    assert all(path.startswith(BUILDER_ROOTS) for path in builder)
    meant = {path for path, _ in ROUTES if path.startswith(BUILDER_ROOTS)}
    assert meant == builder


def address(path: str, workspace: Workspace) -> str:
    account = workspace.some("account")
    places = {
        "{app}": "sales_management", "{entity}": "account", "{id}": account["id"], "{measure}": "won_count",
        "{dashboard}": "overview", "{transition}": "win", "{seq}": "1", "{field}": "owner",
    }  # fmt: skip
    if "/dashboards/{id}" in path:
        places["{id}"] = "overview"
    if path.startswith("/settings/people"):
        places["{id}"] = workspace.ids["rep"]
    for name, value in places.items():
        path = path.replace(name, value)
    return path


@pytest.mark.parametrize("who", ["nobody", "member", "rep", "manager"])
def test_t09_every_request_of_an_administrator_replayed_by_others_meets_the_matrix(
    workspace: Workspace, who: str
) -> None:
    page = workspace.nobody() if who == "nobody" else workspace.browser(who)
    program = workspace.nobody() if who == "nobody" else workspace.program(who)
    wrong, ended = [], sorted(ROUTES, key=lambda each: each[0] in SIGNING)  # what ends the session comes last
    for path, method in ended:
        route = ROUTES[path, method]
        if path in SIGNING and who != "nobody":
            page, program = workspace.browser(who), workspace.program(who)
        client = program if route.is_api else page
        answer = client.request(method, address(path, workspace), headers=OWN)
        status = answer.status_code
        if who == "nobody" and route.permission != PUBLIC:
            to_sign_in = status == 303 and answer.headers["location"].startswith("/sign-in")
            allowed = status == 401 or (method == "GET" and not route.is_api and to_sign_in)
        elif route.permission == BUILDER:
            allowed = status == 403
        else:
            allowed = status < 500
        if not allowed:
            wrong.append((method, path, status))
    assert wrong == []


def test_t09_a_record_of_others_answers_as_one_that_is_not_there(workspace: Workspace) -> None:
    theirs = workspace.some("opportunity")
    rep, page = workspace.program("rep"), workspace.browser("rep")
    version = {"if-match": f'"{theirs["version"]}"'}
    found: list[list[tuple[int, str]]] = []
    for identity in (theirs["id"], workspace.ids["admin"]):
        place = f"{API}/opportunity/{identity}"
        answers = [
            rep.get(place),
            rep.get(f"{place}/history"),
            rep.get(f"{place}/rules"),
            rep.patch(place, json={"name": "mine"}, headers=version),
            rep.delete(place, headers=version),
            rep.post(f"{place}/transitions/win", json={}, headers=version),
            rep.post(f"{place}/restore"),
            rep.post(f"{place}/changes/1/undo"),
            page.get(f"/apps/sales_management/opportunity/{identity}"),
            page.get(f"/apps/sales_management/opportunity/{identity}/edit"),
            page.post(f"/apps/sales_management/opportunity/{identity}/transitions/win", data={}),
        ]
        texts = [
            each.text.replace(identity, "…").replace(each.headers["x-request-id"], "…") for each in answers
        ]
        found.append([(each.status_code, text) for each, text in zip(answers, texts, strict=True)])
    assert found[0] == found[1]
    assert {status for status, _ in found[0]} <= {403, 404}


DETOURS = [
    "{}?/sign-in", "{}?/static/", "//{}", "/{}//", "{}/", "{}/.", "{}/..", "/sign-in/..{}", "/static/..{}", "{};/sign-in",
    "{}%2f", "/%2f{}", "{}%00", "{}#/sign-in", "/.{}", "{}%20", "{}.css", "{}/sign-in", "/static/%2e%2e{}",
]  # fmt: skip
PRIVATE = [
    "/settings",
    "/settings/people",
    "/labels",
    "/marketplace",
    "/import",
    "/apps/sales_management/account",
    f"{API}/account",
    "/api/v1/me",
    "/api/v1/openapi.json",
]


@pytest.mark.parametrize("place", PRIVATE)
def test_t11_no_detour_in_the_address_opens_a_private_route(workspace: Workspace, place: str) -> None:
    client = workspace.nobody()
    tried = [detour.format(place) for detour in DETOURS] + [place.upper(), place.title()]
    found = {address: client.get(f"http://testserver{address}").status_code for address in tried}
    assert {a: s for a, s in found.items() if s not in (303, 400, 401, 403, 404)} == {}
    headers = [
        {"x-http-method-override": "GET"}, {"x-original-url": "/sign-in"}, {"x-rewrite-url": "/sign-in"},
        {"x-forwarded-for": "127.0.0.1"}, {"x-forwarded-prefix": "/sign-in"}, {"authorization": "Basic YWRtaW46YWRtaW4="},
        {"authorization": "Bearer "}, {"authorization": "Bearer null"}, {"cookie": "dacheng_session=; dacheng_session=admin"},
    ]  # fmt: skip
    for extra in headers:
        assert client.get(place, headers=extra).status_code in (303, 401), extra


def test_t11_methods_that_are_not_declared_are_refused_alike(workspace: Workspace) -> None:
    client = workspace.program("admin")
    for method in ("PUT", "TRACE", "OPTIONS", "CONNECT", "PROPFIND", "DELETE"):
        answer = client.request(method, f"{API}/account")
        assert answer.status_code in (405, 400), method
    answer = client.request("PUT", f"{API}/account")
    assert set(answer.headers["allow"].replace(" ", "").split(",")) >= {"GET", "POST"}
    head = client.head(f"{API}/account")
    assert head.status_code == 200


SYSTEM = [
    "id",
    "version",
    "created_at",
    "updated_at",
    "created_by",
    "updated_by",
    "department",
    "deleted_at",
    "parent",
    "position",
    "_id",
    "__proto__",
    "roles",
    "admin",
    "password",
]
CONFUSED: list[Any] = [
    {},
    {"a": 1},
    [],
    ["x"],
    [[]],
    1,
    1.5,
    True,
    {"$ne": None},
    {"amount": {"x": 1}},
    "\u0000",
]


@pytest.mark.parametrize("name", SYSTEM)
def test_t12_fields_of_the_system_are_not_written_by_anyone(workspace: Workspace, name: str) -> None:
    account = workspace.some("account")
    for who in ("admin", "rep"):
        program = workspace.program(who)
        values: list[Any] = ["1", workspace.ids[who], 1, {}, None]
        for value in values:
            made = program.post(f"{API}/account", json={"name": "New", name: value})
            assert made.status_code == 422, (value, made.text)
            changed = program.patch(
                f"{API}/account/{account['id']}",
                json={name: value},
                headers={"if-match": f'"{account["version"]}"'},
            )
            assert changed.status_code in (403, 422), (value, changed.text)
    assert workspace.some("account", id=account["id"]) == account


@pytest.mark.parametrize("value", CONFUSED)
def test_t12_values_of_a_wrong_type_are_refused_and_change_nothing(workspace: Workspace, value: Any) -> None:
    account = workspace.some("account")
    program = workspace.program("admin")
    before = workspace.checksum()
    fits = {
        "name": (),
        "sector": (),
        "employees": (1,),
        "revenue": (1, 1.5),
        "owner": (),
        "year_established": (),
    }
    for field, good in fits.items():
        if any(type(value) is type(each) for each in good):
            continue
        answer = program.patch(
            f"{API}/account/{account['id']}",
            json={field: value},
            headers={"if-match": f'"{account["version"]}"'},
        )
        assert answer.status_code == 422, (field, value, answer.text)
        assert answer.json()["problems"][0]["pointer"].startswith(f"/{field}")
    assert workspace.checksum() == before


def test_t12_a_body_in_the_place_of_the_record_is_refused(workspace: Workspace) -> None:
    program = workspace.program("admin")
    for body in (b"[]", b'"x"', b"1", b"null", b"true"):
        answer = program.post(f"{API}/account", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 400


def test_t13_nobody_widens_their_own_rights(workspace: Workspace) -> None:
    me, boss = workspace.ids["rep"], workspace.ids["admin"]
    program, page = workspace.program("rep"), workspace.browser("rep")
    before = workspace.program("rep").get("/api/v1/me").json()["roles"]
    user = "/api/v1/apps/core/user"
    match = {"if-match": "*"}
    tries = [
        program.patch(f"{user}/{person}", json=body, headers=match)
        for person in (me, boss)
        for body in (
            {"roles": ["core.admin"]}, {"role": "core.admin"}, {"admin": True}, {"department": None}, {"owner": me},
            {"email": "admin@example.com"}, {"manager": me}, {"state": "active"}, {"name": "Boss"},
        )
    ]  # fmt: skip
    tries += [program.post(user, json={"name": "X", "email": "x@example.com", "roles": ["core.admin"]})]
    tries += [
        program.post("/api/v1/apps/core/department", json={"name": "X"}),
        program.delete(f"{user}/{boss}", headers=match),
    ]
    forms: list[tuple[str, dict[str, Any]]] = [
        (f"/settings/people/{me}/roles", {"role": "core.admin"}),
        (f"/settings/people/{boss}/suspend", {}),
        (f"/settings/people/{boss}/invite", {}),
        (f"/settings/people/{me}/reinstate", {}),
        ("/settings/people/new", {"name": "X", "email": "x@example.com", "role": "core.admin"}),
        ("/settings/workspace", {"base_url": "https://evil.example"}),
        ("/labels/term", {"app": "sales_management", "locale": "en", "term": "customer", "one": "X"}),
        ("/labels/label", {"app": "sales_management", "locale": "en", "slot": "app", "text": "X"}),
        ("/marketplace/sales_management/install", {}),
        ("/marketplace/sales_management/uninstall", {"consent": "sales_management"}),
        (f"/apps/core/user/{me}/edit", {"roles": "core.admin"}),
        ("/apps/core/user/new", {"name": "X"}),
    ]
    tries += [page.post(address, data=data) for address, data in forms]
    tries += [
        page.post("/settings/tokens/end", data={"id": "x"}),
        page.post("/settings/tokens", data={"name": "x", "user": boss}),
        page.post("/settings/sessions/end", data={"key": "0" * 64, "user": boss}),
        page.post("/settings/password", data={"old_password": "wrong one", "password": PASSWORD, "again": PASSWORD}),
        program.post("/api/v1/roles", json={}), program.post("/api/v1/users", json={}),
        program.get("/api/v1/apps/core/_role"), program.get("/api/v1/apps/core/_credential"),
    ]  # fmt: skip
    assert len(tries) >= 40
    assert [t.status_code for t in tries if t.status_code < 400] == []
    assert workspace.program("rep").get("/api/v1/me").json()["roles"] == before
    assert page.get("/settings/people").status_code == 403
    assert workspace.browser("admin").get("/settings/people").status_code == 200


def test_t13_a_manager_cannot_hand_a_token_or_hidden_field_to_anyone(workspace: Workspace) -> None:
    account = workspace.some("account")
    rep = workspace.program("rep")
    for answer in (
        rep.get(f"{API}/account", params={"fields": "revenue"}),
        rep.get(f"{API}/account", params={"sort": "revenue"}),
        rep.get(f"{API}/account", params={"filter": '{">":[{"var":"revenue"},1]}'}),
    ):
        assert codes(answer)[0] in ("query.unknown_field", "expression.unknown_variable")
    made = rep.post(f"{API}/account", json={"name": "Mine", "revenue": "1"})
    assert made.status_code == 422
    assert "revenue" not in rep.get(f"{API}/account/{account['id']}").json()
    assert "revenue" not in rep.get("/api/v1/openapi.json").text
