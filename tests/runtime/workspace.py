"""A workspace for tests: opened on a database of the test's own, with the sales app and people on request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, marketplace, users
from dacheng.runtime.services.users import NewUser
from dacheng.runtime.settings import load_settings

PASSWORD = "correct-lamp-47-fish"


@contextmanager
def workspace(folder: Path, url: str = "", *, sales: bool = False, **more: Any) -> Iterator[Host]:
    """An open host; with `sales` the sales app is installed without sample data."""
    settings = load_settings({"data": folder, "database": url, **more}, {})
    host = Host.open(settings, plugins={})
    try:
        if sales and "sales_management" not in host.model().catalogue.apps:
            candidate = marketplace.offered_package(host, "sales_management")
            install_app.install(host, host.work(), candidate, sample=False)
        yield host
    finally:
        host.close()


def add(host: Host, email: str, *roles: str, values: Mapping[str, Any] | None = None) -> str:
    """A person who can sign in with `PASSWORD`; answers their id."""
    new = NewUser(email, email.split("@", 1)[0], roles, PASSWORD, tuple((values or {}).items()))
    return users.add_user(host, host.work(), new)
