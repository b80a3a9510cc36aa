"""An app with two entities for each field kind, installed in a real workspace and reached over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from dacheng.metadata import builtin
from dacheng.metadata.definition import Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.labels import needed_slots
from dacheng.metadata.package import read_files
from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, sessions, tokens, write_record
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.settings import Settings
from dacheng.runtime.web.app import build_app
from tests.contracts.field_kinds.cases import CASES, Case
from tests.runtime.workspace import add

APP = "kinds"
API = f"/api/v1/apps/{APP}"
KINDS = Kinds.of([builtin.part()])
LOCALES = ("zh-CN", "en")


@dataclass
class House:
    """One workspace with the app of all kinds; `program` calls the API and `browser` the pages, both as admin."""

    host: Host
    program: TestClient
    browser: TestClient
    _values: dict[str, list[Any]] = field(default_factory=dict)

    def values(self, kind: str) -> list[Any]:
        """The kind's JSON values, what they lead to made at the first call."""
        if kind not in self._values:
            self._values[kind] = CASES[kind].values_in(Making(self))
        return self._values[kind]

    def post(self, kind: str, value: Any, name: str = "One") -> dict[str, Any]:
        """A record made through the API, as the API answers with it."""
        answer = self.program.post(f"{API}/e_{kind}", json={"name": name, "value": value})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = self.program.get(answer.headers["location"]).json()
        return found

    def rows(self, kind: str, **params: str) -> list[dict[str, Any]]:
        """The records of a kind's entity as a list request gives them."""
        answer = self.program.get(f"{API}/e_{kind}", params={"limit": "200", **params})
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@dataclass
class Making:
    """What the values of some kinds lead to: records stored by the product itself, files uploaded by the admin."""

    house: House

    def __call__(self, ref: str, values: Mapping[str, Any]) -> str:
        """A record; answers its id."""
        write = Write("create", ref, None, values=values)
        return write_record.write_now(self.house.host.db, self.house.host.work(), write).id

    def file(self, name: str, content: bytes, source: str = "upload") -> dict[str, Any]:
        """An uploaded file; answers what a record holds of it."""
        answer = self.house.program.post(
            "/api/v1/files", files={"file": (name, content)}, data={"source": source}
        )
        assert answer.status_code == 201, answer.text
        return {key: answer.json()[key] for key in ("id", "name", "type", "size")}


@contextmanager
def open_house(folder: Path, url: str, package: Package | None = None) -> Iterator[House]:
    """Install an app, that of all kinds unless given, on a database; sign an administrator in."""
    host = Host.open(Settings(data=folder, database=url, locale="en"), plugins={})
    try:
        if "core" not in host.model().catalogue.apps:
            install_app.install_core(host)
        install_app.install(host, host.work(), Candidate(package or app_of_all_kinds()), sample=False)
        host.refresh()
        admin = add(host, "ada@example.com", "core.admin")
        host.refresh()
        token = tokens.create_token(host, host.work(), admin, "contract")
        now = host.work().context.now
        session = host.db.write_now(lambda tx: sessions.open_session(tx, admin, host.settings, now))
        assert milliseconds(now) > 0
        app = build_app(host)
        with (
            TestClient(app, follow_redirects=False) as program,
            TestClient(app, follow_redirects=False) as browser,
        ):
            program.headers["authorization"] = f"Bearer {token}"
            browser.cookies.set("dacheng_session", session)
            browser.headers.update({"accept-language": "en", "sec-fetch-site": "same-origin"})
            yield House(host, program, browser)
    finally:
        host.close()


def app_of_all_kinds() -> Package:
    """For each kind `e_kind` (name, value) and `m_kind` (name, must: required, one: unique), a list and a measure."""
    files: dict[str, Any] = {"app.json": manifest(APP)}
    for kind, case in CASES.items():
        files |= _of_kind(kind, case)
    return labelled(files)


def manifest(app: str, *entities: str) -> dict[str, Any]:
    """The `app.json` of an app for tests, with these entities in its navigation."""
    return {
        "id": app,
        "version": "1.0.0",
        "icon": "file",
        "locales": list(LOCALES),
        "requires": {"core": "1.0.0"},
        "navigation": {
            name: {"entity": name, "icon": "box", "order": at} for at, name in enumerate(entities, 1)
        },
        "permissions": {},
        "plans": {},
    }


def labelled(files: Mapping[str, Any]) -> Package:
    """The package of these files, every text it needs filled in."""
    package = read_files(encoded(files), KINDS)
    words = {
        slot.key: f"L {slot.key.replace(':', ' ').replace('.', ' ')}" for slot in needed_slots(package, KINDS)
    }
    texts = {f"labels/{locale}.json": {"labels": words, "terms": {}} for locale in LOCALES}
    return read_files(encoded({**files, **texts}), KINDS)


def _of_kind(kind: str, case: Case) -> dict[str, Any]:
    name = {"x-kind": "text", "x-order": 10, "x-required": True}
    value = {**case.property, "x-kind": kind, "x-order": 20}
    strict = {"must": {**value, "x-required": True}} | (
        {"one": {**value, "x-unique": True}} if case.unique else {}
    )
    made: dict[str, Any] = {
        f"entities/e_{kind}.json": _entity(f"e_{kind}", {"name": name, "value": value}),
        f"entities/m_{kind}.json": _entity(f"m_{kind}", {"name": name, **strict}),
    }
    if case.grouped:
        made[f"measures/c_{kind}.json"] = {
            "id": f"c_{kind}",
            "entity": f"e_{kind}",
            "aggregate": "count",
            "dimensions": {"value": {"path": "value"}},
        }
    return made


def _entity(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": name, "type": "object", "x-title": "name", "properties": dict(properties)}


def encoded(files: Mapping[str, Any]) -> dict[str, bytes]:
    """Files as they lie in a package."""
    return {path: json.dumps(body).encode() for path, body in files.items()}
