"""A small app whose records hold files, and three people: one administrator, two who see their own records alone."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from httpx2 import Response
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
from tests.runtime.workspace import add

KINDS = Kinds.of([builtin.part()])
DEALS = "/api/v1/apps/vault/deal"
PEOPLE = {"ada": "core.admin", "ben": "vault.rep", "cat": "vault.rep"}
OWN = {"==": [{"var": "owner"}, {"var": "$user.id"}]}
KIND = "x-kind"
FILES: dict[str, Any] = {
    "app.json": {
        "id": "vault",
        "version": "1.0.0",
        "icon": "file",
        "locales": ["zh-CN", "en"],
        "requires": {"core": "1.0.0"},
        "navigation": {},
        "permissions": {},
        "plans": {},
    },
    "entities/deal.json": {
        "id": "deal",
        "type": "object",
        "x-title": "name",
        "properties": {
            "name": {KIND: "text", "x-order": 10, "x-required": True},
            "contract": {KIND: "file", "x-order": 20, "x-files": 3},
            "price": {KIND: "file", "x-order": 30},
            "papers": {KIND: "file", "x-order": 40, "x-accept": ["pdf", "document"], "x-bytes": 1000},
            "logo": {KIND: "image", "x-order": 50},
            "door": {KIND: "photo", "x-order": 60},
            "signed": {KIND: "signature", "x-order": 70},
            "note": {KIND: "voice", "x-order": 80},
        },
    },
    "roles/rep.json": {
        "id": "rep",
        "entities": {
            "deal": {
                "create": True,
                "read": OWN,
                "update": OWN,
                "fields": {"price": {"read": False}},
            }
        },
    },
}


@dataclass
class Vault:
    """The open workspace; `program[who]` calls the API, `browser[who]` the pages, `nobody` is not signed in."""

    host: Host
    program: Mapping[str, TestClient]
    browser: Mapping[str, TestClient]
    nobody: TestClient

    def upload(self, who: str, content: bytes, name: str = "a.bin", source: str = "upload") -> Response:
        """A file sent by one of the people."""
        sent = {"file": (name, io.BytesIO(content))}
        return self.program[who].post("/api/v1/files", files=sent, data={"source": source})

    def file(self, who: str, content: bytes, name: str = "a.bin", source: str = "upload") -> str:
        """The id of a file that was kept."""
        answer = self.upload(who, content, name, source)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def deal(self, who: str, **values: Any) -> str:
        """The id of a new record."""
        answer = self.program[who].post(DEALS, json={"name": "Deal", **values})
        assert answer.status_code == 201, answer.text
        return str(answer.headers["location"].rsplit("/", 1)[1])

    def refused(self, who: str, **values: Any) -> list[tuple[str, str]]:
        """The codes and pointers with which a new record is refused."""
        answer = self.program[who].post(DEALS, json={"name": "Deal", **values})
        assert answer.status_code == 422, answer.text
        return [(each["code"], each["pointer"]) for each in answer.json()["problems"]]


@contextmanager
def open_vault(folder: Path, url: str = "") -> Iterator[Vault]:
    """Install the app and let the people in."""
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
        app, now = build_app(host), host.work().context.now
        with ExitStack() as stack:

            def client() -> TestClient:
                return stack.enter_context(TestClient(app, follow_redirects=False))

            program, browser = {who: client() for who in people}, {who: client() for who in people}
            for who, person in people.items():
                token = tokens.create_token(host, host.work(), person, "test")
                program[who].headers["authorization"] = f"Bearer {token}"
                session = host.db.write_now(
                    partial(sessions.open_session, user=person, settings=host.settings, now=now)
                )
                browser[who].cookies.set("dacheng_session", session)
                browser[who].headers.update({"accept-language": "en", "sec-fetch-site": "same-origin"})
            yield Vault(host, program, browser, client())
    finally:
        host.close()


def _package() -> Package:
    def written(files: Mapping[str, Any]) -> dict[str, bytes]:
        return {path: json.dumps(body).encode() for path, body in files.items()}

    slots = needed_slots(read_files(written(FILES), KINDS), KINDS)
    words = {slot.key: f"L {slot.key.replace(':', ' ').replace('.', ' ')}" for slot in slots}
    labels = {f"labels/{locale}.json": {"labels": words, "terms": {}} for locale in ("zh-CN", "en")}
    return read_files(written({**FILES, **labels}), KINDS)
