"""The fixture app `shop` behind the real web application, in a world that differs only in what Clara may not see."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from dacheng.metadata.package import read_files, to_files
from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, sessions
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.settings import Settings
from dacheng.runtime.storage import accounts, versions
from dacheng.runtime.storage.accounts import Credential
from dacheng.runtime.storage.reader import Transaction
from dacheng.runtime.web.app import build_app
from tests.runtime.services.workspace import KINDS, PEOPLE, Workspace, packages
from tests.security.two_worlds import fill, growing_ids

EXPORTED = ("buyer", "order")


@dataclass
class World:
    """One world: its records, its host and its web application."""

    shop: Workspace
    host: Host
    app: Any

    def browser(self, who: str) -> TestClient:
        """A browser in which one of the people is signed in; enter it before use."""

        def sign_in(tx: Transaction) -> str:
            return sessions.open_session(tx, self.shop.people[who], self.host.settings, datetime.now(UTC))

        client = TestClient(self.app, follow_redirects=False)
        client.cookies.set("dacheng_session", self.host.db.write_now(sign_in))
        client.headers.update({"accept-language": "en", "sec-fetch-site": "same-origin"})
        return client


def open_world(folder: Path, url: str, secret: int, offered: Candidate | None = None) -> World:
    """Install the shop, let its people in and fill it."""
    host = Host.open(Settings(data=folder, database=url, locale="en"), plugins={})
    install_app.install(host, host.work(), offered or _clerks_may_export(), sample=False)
    shop = Workspace(host.db, host.refresh(), {}, host.plugins, growing_ids())
    shop.people["department"] = shop.create("", "core.department", {"name": "North"})
    for name in PEOPLE:
        values = {"name": name.title(), "department": shop.people["department"], "status": "active"}
        shop.people[name] = shop.create("", "core.user", values)
    host.db.write_now(lambda tx: _let_in(tx, shop))
    return World(fill(shop, secret), host, build_app(host))


def _clerks_may_export() -> Candidate:
    """The shop, but for clerks who may export too, so that exports are compared and not refused; its form shows lookups."""
    files = dict(to_files(packages()[1]))
    clerk = json.loads(files["roles/clerk.json"])
    for name in EXPORTED:
        clerk["entities"][name]["export"] = True
    files["roles/clerk.json"] = json.dumps(clerk).encode()
    form = json.loads(files["forms/order.json"])
    form["sections"]["detail"]["fields"] |= {"buyer_level": {"order": 30}, "buyer_credit": {"order": 40}}
    files["forms/order.json"] = json.dumps(form).encode()
    return Candidate(read_files(files, KINDS))


def _let_in(tx: Transaction, shop: Workspace) -> None:
    for name, role in PEOPLE.items():
        person = shop.people[name]
        accounts.put_credential(tx, Credential(person, f"{name}@example.com", None, accounts.ACTIVE, 0))
        accounts.grant(tx, person, f"shop.{role}", "system", 0)
    versions.bump(tx, "directory")
