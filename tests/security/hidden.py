"""A small app in which one role may not see a field of each telling kind, behind the real web application."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from dacheng.metadata import builtin
from dacheng.metadata.definition import Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.labels import needed_slots
from dacheng.metadata.package import read_files
from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, sessions, tokens
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.settings import Settings
from dacheng.runtime.web.app import build_app
from tests.contracts.field_kinds.house import manifest
from tests.runtime.workspace import add

KINDS = Kinds.of([builtin.part()])
KIND = "x-kind"
DEALS, PAGES = "/api/v1/apps/den/deal", "/apps/den/deal"
CANARY = "zebrafinch"  # a word in hidden values, and nowhere else
STAGES = {"open": {"order": 1}, "won": {"order": 2}, "lost": {"order": 3}}
LOST = {"==": [{"var": "stage"}, "lost"]}  # then it is asked why, and only then
FIELDS: dict[str, Mapping[str, Any]] = {
    "priv_stage": {KIND: "choice", "x-options": {"early": {"order": 1}, "late": {"order": 2}}},
    "priv_day": {KIND: "date"},
    "priv_sum": {KIND: "integer"},
    "priv_money": {KIND: "money", "x-currency": "CNY", "x-scale": 2},
    "priv_text": {KIND: "text", "x-search": True, "x-index": True},
    "priv_tags": {KIND: "tags"},
    "priv_many": {KIND: "multi_choice", "x-options": {"red": {"order": 1}, "blue": {"order": 2}}},
    "priv_link": {KIND: "link", "x-to": "deal", "x-on-delete": "clear"},
    "priv_person": {KIND: "link", "x-to": "core.user", "x-on-delete": "clear"},
    "priv_flag": {KIND: "boolean"},
}
HELD: dict[str, Any] = {
    "priv_stage": "late",
    "priv_day": "2031-07-04",
    "priv_sum": 86428642,
    "priv_money": {"amount": "97539.75", "currency": "CNY"},
    "priv_text": f"{CANARY} one",
    "priv_tags": [CANARY],
    "priv_many": ["red", "blue"],
    "priv_flag": True,
}
TOLD = (b"priv_", CANARY.encode(), b"2031-07-04", b"86428642", b"86,428,642", b"97539.75", b"97,539.75")


def _columns(*names: str) -> dict[str, Any]:
    return {name: {"order": 10 * place} for place, name in enumerate(names, 1)}


def _list(identity: str, order: int, **more: Any) -> dict[str, Any]:
    return {
        "id": identity,
        "entity": "deal",
        "order": order,
        "columns": _columns("name", "stage", *FIELDS),
        "page_size": 50,
        **more,
    }


FILES: dict[str, Any] = {
    "app.json": manifest("den"),
    "entities/deal.json": {
        "id": "deal",
        "type": "object",
        "x-title": "name",
        "x-owned": True,
        "properties": {
            "name": {KIND: "text", "x-order": 1, "x-required": True, "x-search": True},
            "stage": {KIND: "choice", "x-order": 2, "x-options": STAGES},
            "why": {KIND: "text", "x-order": 4},
            "day": {KIND: "date", "x-order": 3},
            **{name: {**spec, "x-order": 10 + at} for at, (name, spec) in enumerate(FIELDS.items())},
        },
    },
    "lists/deals.json": _list("deals", 10, default=True, filters=["stage", "priv_stage"]),
    "lists/sorted.json": _list("sorted", 20, sort=[{"field": "priv_sum"}, {"field": "name"}]),
    "lists/board.json": _list("board", 30, kind="board", on="priv_stage"),
    "lists/calendar.json": _list("calendar", 40, kind="calendar", on="priv_day"),
    "forms/deal.json": {
        "id": "deal",
        "entity": "deal",
        "default": True,
        "sections": {
            "all": {
                "order": 10,
                "columns": 2,
                "fields": {
                    **_columns("name", "stage", "day", *FIELDS),
                    "why": {"order": 200, "visible": LOST, "required": LOST, "when_hidden": "clear"},
                },
            },
        },
    },
    "matches/same.json": {
        "id": "same",
        "entity": "deal",
        "keys": {"text": {"field": "priv_text", "compare": "text"}},
        "on_match": "warn",
        "discloses": ["owner"],
    },
    "measures/hidden_sum.json": {
        "id": "hidden_sum",
        "entity": "deal",
        "aggregate": "sum",
        "field": "priv_sum",
        "dimensions": {"stage": {"path": "stage"}},
    },
    "measures/deals.json": {
        "id": "deals",
        "entity": "deal",
        "aggregate": "count",
        "dimensions": {"stage": {"path": "stage"}, "priv_stage": {"path": "priv_stage"}},
    },
    "roles/rep.json": {
        "id": "rep",
        "entities": {
            "deal": {
                "create": True,
                "read": True,
                "update": True,
                "delete": True,
                "export": True,
                "share_views": True,
                "fields": {name: {"read": False, "write": False} for name in FIELDS},
            },
            "core.user": {"read": True, "fields": {"phone": {"read": False}, "email": {"read": False}}},
        },
    },
}
FILES["roles/deaf.json"] = {
    "id": "deaf",
    "entities": {
        "deal": {"create": True, "read": True, "update": True, "export": True},
        "core.user": {"read": True, "fields": {"name": {"read": False}, "email": {"read": False}}},
    },
}
FILES["roles/shut.json"] = {"id": "shut", "entities": {"deal": {"read": True}}}
PEOPLE = {"ada": "core.admin", "ben": "den.rep", "dan": "den.deaf", "eve": "den.shut"}
NAME = "Adaline Quux"  # of the administrator, which dan may not read


@dataclass
class Den:
    """The open workspace; `program[who]` calls the API, `browser[who]` the pages; `deals` are ids of records."""

    host: Host
    program: Mapping[str, TestClient]
    browser: Mapping[str, TestClient]
    nobody: TestClient
    people: Mapping[str, str]
    deals: list[str]

    def deal(self, who: str, **values: Any) -> str:
        """The id of a new record."""
        answer = self.program[who].post(DEALS, json=values)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


@contextmanager
def open_den(folder: Path, url: str = "") -> Iterator[Den]:
    """Install the app, let the people in, and make some records that hold what is hidden."""
    host = Host.open(Settings(data=folder, database=url, locale="en"), plugins={})
    try:
        if "core" not in host.model().catalogue.apps:
            install_app.install_core(host)
        install_app.install(host, host.work(), Candidate(_package()), sample=False)
        people = {}
        for who, role in PEOPLE.items():
            host.refresh()
            people[who] = add(host, f"{who}@example.com", role)
        host.refresh()
        with ExitStack() as stack:
            yield _filled(host, people, stack)
    finally:
        host.close()


def _filled(host: Host, people: Mapping[str, str], stack: ExitStack) -> Den:
    app, now = build_app(host), host.work().context.now

    def client() -> TestClient:
        opened = stack.enter_context(TestClient(app, follow_redirects=False))
        opened.headers.update({"accept-language": "en", "sec-fetch-site": "same-origin"})
        return opened

    program, browser = {who: client() for who in people}, {who: client() for who in people}
    for who, person in people.items():
        token = tokens.create_token(host, host.work(), person, "test")
        program[who].headers["authorization"] = f"Bearer {token}"
        session = host.db.write_now(
            partial(sessions.open_session, user=person, settings=host.settings, now=now)
        )
        browser[who].cookies.set("dacheng_session", session)
    den = Den(host, program, browser, client(), people, [])
    ada = f"/api/v1/apps/core/user/{people['ada']}"
    named = {"name": NAME, "phone": "13800001111"}
    assert program["ada"].patch(ada, json=named, headers={"if-match": "*"}).status_code == 200
    first = den.deal("ada", name="First", stage="open", day="2026-01-05", **HELD, priv_person=people["ada"])
    den.deals.append(first)
    den.deals.append(den.deal("ada", name="Second", stage="won", **HELD, priv_link=first))
    den.deals.append(den.deal("ben", name="Third", stage="open"))
    return den


def _package() -> Package:
    def written(files: Mapping[str, Any]) -> dict[str, bytes]:
        return {path: json.dumps(body).encode() for path, body in files.items()}

    slots = needed_slots(read_files(written(FILES), KINDS), KINDS)
    words = {slot.key: f"L {slot.key.replace(':', ' ').replace('.', ' ')}" for slot in slots}
    labels = {f"labels/{locale}.json": {"labels": words, "terms": {}} for locale in ("zh-CN", "en")}
    return read_files(written({**FILES, **labels}), KINDS)
