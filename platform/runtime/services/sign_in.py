"""Signing in and out, and setting a password: the same answer and the same work for accounts that do not exist."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dacheng.metadata.problem import Refused, problem, refuse
from dacheng.plugins.context import User
from dacheng.runtime.services import mail, passwords, sessions
from dacheng.runtime.services.directory import Directory
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import accounts, outbox, versions
from dacheng.runtime.storage.reader import Transaction

RESET = "reset"
RESET_JOB = "account.reset"
LONGEST_LOGIN = 254


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person who is in: the session's secret for the cookie, and who they are."""

    session: str
    user: str


def fold(email: str) -> str:
    """A sign-in name as it is compared and stored."""
    return email.strip().casefold()


async def sign_in(
    site: Site,
    email: Any,
    password: Any,
    *,
    address: str,
    agent: str = "",
    old_session: str = "",
    now: datetime | None = None,
) -> SignedIn:
    """Open a new session, ending the one the browser came with; refuses with one sentence for every reason."""
    moment = now or datetime.now(UTC)
    login = fold(email)[:LONGEST_LOGIN] if isinstance(email, str) else ""
    secret = password if isinstance(password, str) else ""
    site.limits.sign_in(login, address)
    known = await site.db.read(lambda reader: accounts.credential_by_login(reader, login))
    stored = known.password if known is not None and known.state == accounts.ACTIVE else None
    matches = await asyncio.to_thread(passwords.verify_password, stored, secret)
    if known is None or not matches:
        raise refuse("account.sign_in_failed")

    def enter(tx: Transaction) -> SignedIn:
        current = accounts.credential_of(tx, known.user)
        if current != known or Directory().person(tx, site.model(), known.user) is None:
            raise refuse("account.sign_in_failed")
        if old_session:
            sessions.end_session(tx, old_session)
        value = sessions.open_session(tx, known.user, site.settings, moment, address=address, agent=agent)
        return SignedIn(value, known.user)

    entered = await site.db.write(enter)
    site.limits.signed_in(login, address)
    return entered


async def sign_out(site: Site, session: str) -> None:
    """End the session on the server."""
    await site.db.write(lambda tx: sessions.end_session(tx, session))


async def request_reset(
    site: Site, email: Any, *, address: str, locale: str, now: datetime | None = None
) -> None:
    """Note that somebody asked for a link to set a password. Nobody learns whether the account exists.

    Refuses while no address for links is configured (`account.mail_needs_base_url`).
    """
    mail.demand_ready(site.settings)
    moment = now or datetime.now(UTC)
    login = fold(email)[:LONGEST_LOGIN] if isinstance(email, str) else ""
    site.limits.reset_mail(login, address)
    job = {"login": login, "locale": locale}
    stamp = sessions.milliseconds(moment)
    key = f"{login}:{stamp}"
    await site.db.write(lambda tx: outbox.put(tx, RESET_JOB, job, key, stamp))


def send_reset(site: Site, job: dict[str, Any], now: datetime, *, key: str) -> None:
    """The worker's part: for an active account, make the token and send it; for others do nothing.

    The token exists in the mail alone; what is stored is its hash.
    """
    known = site.db.read_now(lambda reader: accounts.credential_by_login(reader, job["login"]))
    if known is None or known.state != accounts.ACTIVE:
        return
    link = site.settings.base_url + "/reset?token=" + _offer(site, known.user, now)
    words = {"link": link, "minutes": site.settings.reset_minutes}
    mail.send(site.settings, known.login, "reset", job.get("locale", ""), words, now, key=key)


def invite(site: Site, user: str, now: datetime | None = None) -> str:
    """A one-time token with which a person sets their first password, for an administrator to hand over."""
    return _offer(site, user, now or datetime.now(UTC))


async def finish_reset(site: Site, token: Any, password: Any, *, now: datetime | None = None) -> None:
    """Set a new password with a token from a mail: once, in time. All sessions and tokens of the person end."""
    moment = now or datetime.now(UTC)
    if not isinstance(token, str) or not token or not isinstance(password, str):
        raise refuse("account.reset_invalid")
    value, stamp = sessions.hashed(token[: sessions.LONGEST]), sessions.milliseconds(moment)
    user = await site.db.read(lambda reader: accounts.one_time_user(reader, value, RESET, stamp))
    if user is None:
        raise refuse("account.reset_invalid")
    known = await site.db.read(lambda reader: accounts.credential_of(reader, user))
    _demand_good(password, known.login if known else "")
    fresh = await asyncio.to_thread(passwords.hash_password, password)

    def settle(tx: Transaction) -> None:
        if accounts.use_one_time(tx, value, RESET, stamp) != user:
            raise refuse("account.reset_invalid")
        accounts.set_password(tx, user, fresh, stamp)
        end_everything(tx, user)

    await site.db.write(settle)


async def change_password(site: Site, work: Work, old: Any, new: Any, *, agent: str = "") -> str:
    """Replace one's own password, proving the old one; every session ends, the new one's secret is answered."""
    actor = work.context.actor
    if not isinstance(actor, User) or not isinstance(old, str) or not isinstance(new, str):
        raise refuse("account.old_password_wrong", "/old_password")
    known = await site.db.read(lambda reader: accounts.credential_of(reader, actor.id))
    if known is None or not await asyncio.to_thread(passwords.verify_password, known.password, old):
        raise refuse("account.old_password_wrong", "/old_password")
    _demand_good(new, known.login, actor.name)
    fresh = await asyncio.to_thread(passwords.hash_password, new)
    now = work.context.now

    def settle(tx: Transaction) -> str:
        accounts.set_password(tx, actor.id, fresh, sessions.milliseconds(now))
        accounts.drop_sessions(tx, actor.id)
        return sessions.open_session(tx, actor.id, site.settings, now, agent=agent)

    return await site.db.write(settle)


def end_everything(tx: Transaction, user: str) -> None:
    """End every session, API token and open link of a person, from this commit on."""
    accounts.drop_sessions(tx, user)
    accounts.drop_tokens(tx, user)
    accounts.drop_one_time(tx, RESET, user)
    versions.bump(tx, "directory")


def _offer(site: Site, user: str, now: datetime) -> str:
    value, stamp = sessions.secret(), sessions.milliseconds(now)
    expires = stamp + site.settings.reset_minutes * 60_000
    site.db.write_now(
        lambda tx: accounts.put_one_time(tx, sessions.hashed(value), RESET, user, stamp, expires)
    )
    return value


def _demand_good(password: str, *about: str) -> None:
    problems = passwords.check_password(password, about=tuple(text for text in about if text))
    if problems:
        raise Refused(problems)


def demand_email(email: Any) -> str:
    """A folded sign-in name that looks like an address, or `account.email_invalid`."""
    folded = fold(email) if isinstance(email, str) else ""
    name, at, domain = folded.rpartition("@")
    plain = bool(name and at and "." in domain.strip(".")) or domain == "localhost"
    if not plain or len(folded) > LONGEST_LOGIN or any(c.isspace() or ord(c) < 32 for c in folded):
        raise Refused([problem("account.email_invalid", "/email", value=email)])
    return folded
