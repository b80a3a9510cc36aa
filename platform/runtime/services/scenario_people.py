"""The people of a scenario come in: departments and persons as records; who may sign in is the workspace's decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from dacheng.plugins.context import Cause, System, User
from dacheng.runtime.services import passwords as secrets
from dacheng.runtime.services import write_record
from dacheng.runtime.services.directory import DEPARTMENT, USER
from dacheng.runtime.services.import_links import SEVERAL, find_records
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage import accounts, sample_records, versions
from dacheng.runtime.storage.accounts import Credential
from dacheng.runtime.storage.reader import Transaction

BEFORE = timedelta(days=60)  # people are there before anything happens


@dataclass(slots=True)
class Firm:
    """Ids by the scenario's own: departments, people as actors, and the addresses of those who may sign in."""

    departments: dict[str, str] = field(default_factory=dict)
    people: dict[str, User] = field(default_factory=dict)
    signs: dict[str, str] = field(default_factory=dict)


def settle(
    site: Site, app: str, item: Mapping[str, Any], begin: datetime, passwords: Mapping[str, str]
) -> Firm:
    """Make what is missing of departments and people; a department of the same name is used as it is."""
    made = _Settling(site, app, item, begin - BEFORE)
    made.departments()
    made.people()
    made.sign_ins(passwords)
    site.refresh()
    return made.firm


class _Settling:
    """One firm moving in."""

    def __init__(self, site: Site, app: str, item: Mapping[str, Any], at: datetime) -> None:
        self.site, self.app, self.item, self.at = site, app, item, at
        self.firm = Firm()
        self.scenario = str(item["id"])

    def _work(self) -> Work:
        self.site.refresh()
        work = self.site.work(System(), cause=Cause("sample", self.app))
        return replace(work, context=replace(work.context, now=self.at))

    def departments(self) -> None:
        """All departments, each behind the one above it."""
        bodies = self.item.get("departments", {})
        work = self._work()
        names = [body["name"] for body in bodies.values()]
        there = self.site.db.read_now(lambda reader: find_records(reader, work, DEPARTMENT, "name", names))
        for key in _downwards(bodies, "under"):
            body = bodies[key]
            found = there.get(body["name"])
            if found is None or found == SEVERAL:
                above = {"parent": self.firm.departments[body["under"]]} if "under" in body else {}
                found = self._create(DEPARTMENT, {"name": body["name"], **above})
            self.firm.departments[key] = found

    def people(self) -> None:
        """All people, each behind their manager; a person whose address is known already is that person."""
        bodies = self.item.get("people", {})
        below = self._below()
        work = self._work()
        mails = [body["email"] for body in bodies.values() if "email" in body]
        there = self.site.db.read_now(lambda reader: find_records(reader, work, USER, "email", mails))
        for key in _downwards(bodies, "manager"):
            body = bodies[key]
            found = there.get(body.get("email", ""))
            if found is None or found == SEVERAL:
                found = self._create(USER, self._values(body))
            roles = frozenset(f"{self.app}.{role}" for role in body.get("roles", ()))
            department = body["department"]
            self.firm.people[key] = User(
                found, body["name"], roles, self.firm.departments[department], below[department]
            )

    def _values(self, body: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: body[name] for name in ("name", "email", "phone") if name in body}
        values["department"] = self.firm.departments[body["department"]]
        if "title" in body:
            values["title_text"] = body["title"]
        if "manager" in body:
            values["manager"] = self.firm.people[body["manager"]].id
        return values

    def _below(self) -> dict[str, tuple[str, ...]]:
        """By department, the ids of itself and of all below it."""
        bodies = self.item.get("departments", {})
        found: dict[str, list[str]] = {key: [] for key in bodies}
        for key in bodies:
            at: str | None = key
            while at is not None:
                found[at].append(self.firm.departments[key])
                at = bodies[at].get("under")
        return {key: tuple(ids) for key, ids in found.items()}

    def _create(self, ref: str, values: Mapping[str, Any]) -> str:
        work = self._work()
        write = Write("create", ref, values=values, rules=False)
        prepared = self.site.db.read_now(lambda reader: write_record.prepare(reader, work, write))

        def keep(tx: Transaction) -> str:
            made = write_record.commit(tx, work, prepared)
            sample_records.note(tx, work.model, self.app, self.scenario, {ref: [made.id]})
            return made.id

        return self.site.db.write_now(keep, urgent=False)

    def sign_ins(self, passwords: Mapping[str, str]) -> None:
        """Credentials and roles for those who are to sign in; they go again with the people."""
        now = milliseconds(self.site.work(System()).context.now)
        hashed = {key: secrets.hash_password(word) for key, word in passwords.items()}

        def keep(tx: Transaction) -> None:
            for key, word in hashed.items():
                user, login = self.firm.people[key], self.item["people"][key]["email"]
                if accounts.credential_of(tx, user.id) is not None:
                    continue
                accounts.put_credential(tx, Credential(user.id, login, word, accounts.ACTIVE, now))
                for role in sorted(user.roles):
                    accounts.grant(tx, user.id, role, "system", now)
                sample_records.note_sign_in(tx, self.app, self.scenario, user.id)
                self.firm.signs[login] = user.name
            versions.bump(tx, "directory")

        if hashed:
            self.site.db.write_now(keep, urgent=False)


def _downwards(bodies: Mapping[str, Mapping[str, Any]], above: str) -> Iterator[str]:
    """Every key behind the one it stands below; a ring ends where it closes."""
    done: dict[str, None] = {}

    def go(key: str, way: frozenset[str]) -> None:
        higher = bodies[key].get(above)
        if higher is not None and higher not in way:
            go(higher, way | {key})
        done.setdefault(key)

    for key in bodies:
        go(key, frozenset({key}))
    return iter(done)
