"""Sessions and API tokens: 256 random bits in the hands of the person, a SHA-256 here."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dacheng.plugins.context import Actor, Anonymous
from dacheng.runtime.services.directory import Directory
from dacheng.runtime.services.work import Work
from dacheng.runtime.settings import Settings
from dacheng.runtime.storage import accounts
from dacheng.runtime.storage.accounts import Identity, SessionRow
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.versions import Versions

TOUCH_EVERY = timedelta(minutes=10)
TOKEN_PREFIX = "dct_"  # noqa: S105 - lets people and scanners recognise a token, says nothing else
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brought: a session cookie's or a bearer token's value; both empty: nobody."""

    session: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Who is asking, what is current, and what must be noted as used (None: nothing yet)."""

    actor: Actor
    versions: Versions
    directory: Directory
    touch: Callable[[Transaction], None] | None = None
    locale: str = ""


def secret() -> str:
    """A new secret of 256 bits, safe in a URL and a cookie."""
    return secrets.token_urlsafe(32)


def hashed(value: str) -> str:
    """What is stored of a secret."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 UTC."""
    return int(moment.timestamp() * 1000)


def identify(
    reader: Reader,
    credentials: Credentials,
    directory: Directory,
    model: Model,
    settings: Settings,
    now: datetime,
) -> Found:
    """Who is asking. A token wins over a cookie; what is unknown, ended or suspended is `Anonymous`."""
    value = hashed((credentials.token or credentials.session)[:LONGEST])
    identity = _look(reader, value, bool(credentials.token), settings, now)
    current = directory.at(reader, model, identity.versions)
    person = None if identity.user is None else current.person(reader, model, identity.user)
    if person is None:
        return Found(Anonymous(), identity.versions, current)
    stale = milliseconds(now) - identity.seen_at > TOUCH_EVERY.total_seconds() * 1000
    actor = (
        replace(person.user, token=value)
        if credentials.token
        else replace(person.user, session=value, unread=identity.unread)
    )
    touch = _touch(value, bool(credentials.token), milliseconds(now)) if stale else None
    return Found(actor, identity.versions, current, touch, person.locale)


def open_session(
    tx: Transaction, user: str, settings: Settings, now: datetime, *, address: str = "", agent: str = ""
) -> str:
    """Open a session and answer its secret, which is stored nowhere."""
    value = secret()
    moment = milliseconds(now)
    expires = milliseconds(now + timedelta(days=settings.session_days))
    row = SessionRow(hashed(value), moment, moment, address[:64], agent[:200])
    accounts.put_session(tx, user, row, expires)
    return value


def list_sessions(reader: Reader, work: Work) -> list[SessionRow]:
    """The sessions of the person asking."""
    return accounts.sessions_of(reader, work.context.actor.id)


def end_session(tx: Transaction, value: str) -> None:
    """Sign out: the session ends on the server; an unknown one is no error."""
    accounts.drop_session(tx, hashed(value[:LONGEST]))


def end_others(tx: Transaction, work: Work) -> int:
    """End every session of the person asking but the one they ask with; answers how many."""
    own = getattr(work.context.actor, "session", None) or ""
    return accounts.drop_sessions(tx, work.context.actor.id, but=own)


def _look(reader: Reader, value: str, is_token: bool, settings: Settings, now: datetime) -> Identity:
    moment = milliseconds(now)
    if is_token:
        return accounts.by_token(reader, value, moment)
    idle = milliseconds(now - timedelta(hours=settings.session_idle_hours))
    return accounts.by_session(reader, value, moment, idle)


def _touch(value: str, is_token: bool, moment: int) -> Callable[[Transaction], None]:
    mark = accounts.touch_token if is_token else accounts.touch_session
    return lambda tx: mark(tx, value, moment)
