"""The command `demo`: a workspace with both apps and people to sign in as, served."""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dacheng.runtime.cli.output import DONE, Output
from dacheng.runtime.cli.serve import run
from dacheng.runtime.cli.workspace import Commands, add_command, settings_of
from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, marketplace, sample_data, users, working_calendar
from dacheng.runtime.services.users import NewUser
from dacheng.runtime.storage import accounts
from dacheng.runtime.storage.reader import Reader

FILE = "demo.json"
APPS = ("sales_management", "store_sales")
ADMIN, ADMINS_NAME = "admin@demo.example", "管理员"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in to the demo: address, name, and their app and role in words."""

    email: str
    name: str
    app: str
    role: str


def register(commands: Commands) -> None:
    """Add this group's commands."""
    parser = add_command(commands, "demo", "Serve a workspace with sample data.", demo)
    parser.add_argument("--host", metavar="ADDRESS", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, metavar="N", help="port to listen on (8000)")
    parser.add_argument("--prepare", action="store_true", help="set up and stop, without serving")
    parser.add_argument(
        "--firm", type=float, default=1.0, metavar="SHARE", help="a smaller firm: its share of the full one"
    )


def demo(given: argparse.Namespace, output: Output) -> int:
    """Set up what is missing, say how to sign in, serve."""
    host = Host.open(settings_of(given, host=given.host, port=given.port))
    try:
        signs = prepare(host, output, given.firm)
        settings = host.settings
        address = settings.base_url or f"http://{settings.host}:{settings.port}"
        found = people(host, signs, output.locale)
        lines = [f"Dacheng demo: {address}", *told(found, signs)]
        document = {"url": address, "sign_in": dict(signs), "people": [asdict(each) for each in found]}
        output.result(document, lines)
        if not given.prepare:
            run(host)
    finally:
        host.close()
    return DONE


def prepare(host: Host, output: Output, share: float = 1.0) -> Mapping[str, str]:
    """Install the apps with the firms that live in them, as far as that is missing; answers the sign-ins.

    The one-time random passwords are kept in the data folder, for its owner alone.
    """
    path = host.settings.data / FILE
    signs = _kept(path)
    if not _exists(host, ADMIN):
        signs = _more(path, signs, {ADMIN: secrets.token_urlsafe(9)})
        users.add_user(host, host.work(), NewUser(ADMIN, ADMINS_NAME, ("admin",), signs[ADMIN]))
    for app in APPS:
        if app in host.refresh().catalogue.apps:
            continue
        candidate = marketplace.find_package(host, app)
        install_app.install(host, host.work(), candidate, sample=False, progress=output.progress())
        signs = _more(path, signs, sample_data.sign_ins(host.refresh().catalogue.apps[app]))
        sample_data.bring(host, host.work(), app, progress=output.progress(), scale=share, passwords=signs)
    today = datetime.now(UTC).astimezone(host.settings.tzinfo).date()
    working_calendar.keep_entered(host, today)
    host.refresh()
    return signs


def people(host: Host, signs: Mapping[str, str], locale: str) -> list[Person]:
    """Who may sign in: the administrator, then each app's people in the order of their departments, bosses first."""
    model = host.refresh()
    spoken = locale if locale in model.labels.locales(APPS[0]) else "zh-CN"
    admin = model.labels.text(spoken, "core", "role:admin")
    found = [Person(ADMIN, ADMINS_NAME, "", admin)] if ADMIN in signs else []
    for app in (model.catalogue.apps[each] for each in APPS if each in model.catalogue.apps):
        name = model.labels.text(spoken, app.id, "app")
        everybody = {key: body for each in app.scenarios.values() for key, body in each["people"].items()}
        ranked = sorted(everybody.items(), key=lambda pair: _rank(pair[0], everybody))
        for _, body in ranked:
            if body.get("signs_in") and body.get("email") in signs:
                roles = (model.labels.text(spoken, app.id, f"role:{role}") for role in body["roles"])
                found.append(Person(body["email"], body["name"], name, "、".join(roles)))
    return found


def _rank(key: str, everybody: Mapping[str, Any]) -> int:
    """How many are over somebody."""
    over = everybody[key].get("manager")
    return 1 + _rank(over, everybody) if over in everybody else 0


def told(found: Sequence[Person], signs: Mapping[str, str]) -> list[str]:
    """The sign-ins as aligned lines, under the name of each app; who is not of an app's people comes last."""
    known = {each.email for each in found}
    others = [Person(email, "", "", "") for email in signs if email not in known]
    wide = max((len(email) for email in signs), default=0)
    lines, app = [], ""
    for each in (*found, *others):
        if each.app and each.app != app:
            lines.append(f"{each.app}:")
            app = each.app
        who = f"{each.role} {each.name}".strip()
        lines.append(f"  {each.email:<{wide}}  {signs[each.email]}  {who}".rstrip())
    return lines


def _more(path: Path, signs: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """The sign-ins with more of them; what is there already stays as it is."""
    found = {**new, **signs}
    _keep(path, found)
    return found


def _exists(host: Host, email: str) -> bool:
    def known(reader: Reader) -> bool:
        return accounts.credential_by_login(reader, email) is not None

    return host.db.read_now(known)


def _kept(path: Path) -> dict[str, str]:
    try:
        signs: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return signs


def _keep(path: Path, signs: Mapping[str, str]) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(signs, indent=2) + "\n", encoding="utf-8")
