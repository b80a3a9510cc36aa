"""The command `demo`: a workspace with both apps and people to sign in as, served."""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from dacheng.runtime.cli.output import DONE, Output
from dacheng.runtime.cli.serve import run
from dacheng.runtime.cli.workspace import Commands, add_command, settings_of
from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, marketplace, sample_data, users
from dacheng.runtime.services.users import NewUser
from dacheng.runtime.storage import accounts
from dacheng.runtime.storage.reader import Reader

FILE = "demo.json"
APPS = ("sales_management", "store_sales")
ADMIN, ADMINS_NAME = "admin@demo.example", "管理员"


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
        lines = [f"Dacheng demo: {address}"]
        lines += [f"  {email}  {password}" for email, password in signs.items()]
        output.result({"url": address, "sign_in": dict(signs)}, lines)
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
    host.refresh()
    return signs


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
