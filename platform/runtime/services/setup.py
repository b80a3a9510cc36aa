"""The first administrator: one, by a one-time token printed at the start, or by the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import sessions, users
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.users import NewUser
from dacheng.runtime.storage import accounts
from dacheng.runtime.storage.reader import Reader, Transaction

PURPOSE = "setup"
VALID = timedelta(hours=24)


def is_open(site: Site) -> bool:
    """Whether the workspace still waits for its first administrator; set-up pages do not exist otherwise."""
    return site.db.read_now(lambda reader: not _has_admin(reader, site))


def offer_token(site: Site, now: datetime | None = None) -> str | None:
    """A new one-time token for the first administrator, replacing earlier ones; None when there is one already."""
    moment = now or datetime.now(UTC)
    value = sessions.secret()
    stamp, expires = sessions.milliseconds(moment), sessions.milliseconds(moment + VALID)

    def settle(tx: Transaction) -> str | None:
        if _has_admin(tx, site):
            return None
        accounts.put_one_time(tx, sessions.hashed(value), PURPOSE, "", stamp, expires)
        return value

    return site.db.write_now(settle)


def first_admin(
    site: Site,
    token: Any,
    *,
    email: Any,
    name: Any,
    password: Any,
    address: str = "",
    now: datetime | None = None,
) -> str:
    """Make the first administrator with the printed token; of any number at once exactly one succeeds.

    Answers the person's id. A wrong, used or old token is `account.setup_invalid`; when there is an
    administrator already, `account.setup_closed`.
    """
    site.limits.setup(address)
    if not all(isinstance(value, str) for value in (token, email, name, password)) or not token:
        raise refuse("account.setup_invalid")
    stamp = sessions.milliseconds(now or datetime.now(UTC))
    value = sessions.hashed(token[: sessions.LONGEST])
    if not is_open(site):
        raise refuse("account.setup_closed")
    if site.db.read_now(lambda reader: accounts.one_time_user(reader, value, PURPOSE, stamp)) is None:
        raise refuse("account.setup_invalid")

    def claim(tx: Transaction) -> None:
        if _has_admin(tx, site):
            raise refuse("account.setup_closed")
        if accounts.use_one_time(tx, value, PURPOSE, stamp) is None:
            raise refuse("account.setup_invalid")
        accounts.drop_one_time(tx, PURPOSE, "")

    return _make(site, NewUser(email, name.strip(), (), password), claim)


def admin_by_operator(site: Site, *, email: str, name: str, password: str) -> str:
    """Make the first administrator from the command line, which is trusted; refused when there is one."""

    def claim(tx: Transaction) -> None:
        if _has_admin(tx, site):
            raise refuse("account.setup_closed")
        accounts.drop_one_time(tx, PURPOSE, "")

    return _make(site, NewUser(email, name.strip(), (), password), claim)


def _make(site: Site, new: NewUser, claim: Any) -> str:
    work = site.work()
    admin = NewUser(new.email, new.name, (users.admin_role(work),), new.password)
    return users.add_user(site, work, admin, also=claim)


def _has_admin(reader: Reader, site: Site) -> bool:
    roles = site.model().catalogue.roles
    return any(accounts.holders(reader, ref) for ref, role in roles.items() if role.admin)
