"""Who may come in: credentials, sessions, tokens and roles. Secrets are here as hashes alone, never in the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dacheng.runtime.storage.reader import Prepared, Reader, Transaction
from dacheng.runtime.storage.system_tables import (
    credential,
    notification,
    reset_token,
    role,
    session,
    token,
    version,
)
from dacheng.runtime.storage.versions import Versions

ACTIVE = "active"
SUSPENDED = "suspended"
_b = sa.bindparam


@dataclass(frozen=True, slots=True)
class Identity:
    """What one look finds: all versions, whose session or token it is (None: nobody's), what they have not read yet."""

    versions: Versions
    user: str | None
    seen_at: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Credential:
    """How one person signs in; `password` is an argon2id hash or None (none set yet)."""

    user: str
    login: str
    password: str | None
    state: str
    changed_at: int


@dataclass(frozen=True, slots=True)
class SessionRow:
    """An open session as its owner sees it; `hash` names it."""

    hash: str
    created_at: int
    seen_at: int
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An API token as its owner sees it."""

    id: str
    name: str
    created_at: int
    seen_at: int | None


_VERSIONS = (version.c.definitions, version.c.labels, version.c.directory)
_LIVE = (credential.c.user == session.c.user) & (credential.c.state == ACTIVE)
_WAITING = (
    sa.select(sa.func.count())
    .select_from(notification)
    .where(notification.c.user == credential.c.user, notification.c.read_at.is_(None))
    .correlate(credential)
    .scalar_subquery()
)
_SESSION = Prepared(
    sa.select(*_VERSIONS, credential.c.user, session.c.seen_at, _WAITING).select_from(
        version.outerjoin(
            session,
            (session.c.hash == _b("hash"))
            & (session.c.expires_at > _b("now"))
            & (session.c.seen_at > _b("idle")),
        ).outerjoin(credential, _LIVE)
    )
)
_TOKEN = Prepared(
    sa.select(*_VERSIONS, credential.c.user, sa.func.coalesce(token.c.seen_at, 0), sa.literal(0)).select_from(
        version.outerjoin(
            token,
            (token.c.hash == _b("hash")) & (token.c.expires_at.is_(None) | (token.c.expires_at > _b("now"))),
        ).outerjoin(credential, (credential.c.user == token.c.user) & (credential.c.state == ACTIVE))
    )
)
_CREDENTIAL = sa.select(
    credential.c.user, credential.c.login, credential.c.password, credential.c.state, credential.c.changed_at
)
_BY_LOGIN = Prepared(_CREDENTIAL.where(credential.c.login == _b("login")))
_BY_USER = Prepared(_CREDENTIAL.where(credential.c.user == _b("user")))
_ROLES = Prepared(sa.select(role.c.role).where(role.c.user == _b("user")).order_by(role.c.role))


def by_session(reader: Reader, hashed: str, now: int, idle_since: int) -> Identity:
    """Whose session this is, unless it ended by age, disuse or suspension; one statement."""
    return _identity(reader.row(_SESSION, {"hash": hashed, "now": now, "idle": idle_since}))


def by_token(reader: Reader, hashed: str, now: int) -> Identity:
    """Whose API token this is, unless it expired or its owner is suspended; one statement."""
    return _identity(reader.row(_TOKEN, {"hash": hashed, "now": now}))


def _identity(row: tuple[object, ...] | None) -> Identity:
    if row is None:
        return Identity(Versions(), None)
    definitions, labels, directory, user, seen, unread = row
    versions = Versions(int(str(definitions)), int(str(labels)), int(str(directory)))
    return Identity(versions, None if user is None else str(user), int(str(seen or 0)), int(str(unread or 0)))


# ---------------------------------------------------------------- credentials
def credential_by_login(reader: Reader, login: str) -> Credential | None:
    """The credential with this (folded) sign-in name."""
    row = reader.row(_BY_LOGIN, {"login": login})
    return Credential(*row) if row else None


def credential_of(reader: Reader, user: str) -> Credential | None:
    """The credential of a person."""
    row = reader.row(_BY_USER, {"user": user})
    return Credential(*row) if row else None


def credentials(reader: Reader) -> list[Credential]:
    """All credentials, by sign-in name."""
    return [Credential(*row) for row in reader.rows(_CREDENTIAL.order_by(credential.c.login))]


def put_credential(tx: Transaction, new: Credential) -> None:
    """Add a credential; a sign-in name in use raises the database's duplicate problem."""
    tx.execute(
        credential.insert().values(
            user=new.user,
            login=new.login,
            password=new.password,
            state=new.state,
            changed_at=new.changed_at,
        )
    )


def set_password(tx: Transaction, user: str, hashed: str, now: int) -> None:
    """Replace a person's password hash."""
    tx.execute(credential.update().where(credential.c.user == user).values(password=hashed, changed_at=now))


def set_state(tx: Transaction, user: str, state: str, now: int) -> None:
    """Suspend a person or let them in again."""
    tx.execute(credential.update().where(credential.c.user == user).values(state=state, changed_at=now))


# ---------------------------------------------------------------- sessions
def put_session(tx: Transaction, user: str, row: SessionRow, expires_at: int) -> None:
    """Open a session; expired ones are swept out with it."""
    tx.execute(session.delete().where(session.c.expires_at <= row.created_at))
    tx.execute(
        session.insert().values(
            hash=row.hash,
            user=user,
            created_at=row.created_at,
            seen_at=row.seen_at,
            expires_at=expires_at,
            address=row.address,
            agent=row.agent,
        )
    )


def touch_session(tx: Transaction, hashed: str, now: int) -> None:
    """Note that a session is in use."""
    tx.execute(session.update().where(session.c.hash == hashed).values(seen_at=now))


def touch_token(tx: Transaction, hashed: str, now: int) -> None:
    """Note that a token is in use."""
    tx.execute(token.update().where(token.c.hash == hashed).values(seen_at=now))


def sessions_of(reader: Reader, user: str) -> list[SessionRow]:
    """A person's open sessions, the latest used first."""
    query = (
        sa.select(session.c.hash, session.c.created_at, session.c.seen_at, session.c.address, session.c.agent)
        .where(session.c.user == user)
        .order_by(session.c.seen_at.desc())
    )
    return [SessionRow(*row) for row in reader.rows(query)]


def drop_session(tx: Transaction, hashed: str) -> int:
    """End one session."""
    return tx.execute(session.delete().where(session.c.hash == hashed))


def drop_sessions(tx: Transaction, user: str, *, but: str = "") -> int:
    """End all sessions of a person, except the one named."""
    return tx.execute(session.delete().where(session.c.user == user, session.c.hash != but))


# ---------------------------------------------------------------- tokens
def put_token(tx: Transaction, user: str, hashed: str, row: TokenRow) -> None:
    """Add an API token."""
    tx.execute(
        token.insert().values(hash=hashed, id=row.id, user=user, name=row.name, created_at=row.created_at)
    )


def tokens_of(reader: Reader, user: str) -> list[TokenRow]:
    """A person's API tokens, newest first."""
    query = (
        sa.select(token.c.id, token.c.name, token.c.created_at, token.c.seen_at)
        .where(token.c.user == user)
        .order_by(token.c.created_at.desc(), token.c.id)
    )
    return [TokenRow(*row) for row in reader.rows(query)]


def drop_token(tx: Transaction, user: str, token_id: str) -> int:
    """Revoke one token of a person."""
    return tx.execute(token.delete().where(token.c.user == user, token.c.id == token_id))


def drop_tokens(tx: Transaction, user: str) -> int:
    """Revoke all tokens of a person."""
    return tx.execute(token.delete().where(token.c.user == user))


# ---------------------------------------------------------------- one-time tokens
def put_one_time(tx: Transaction, hashed: str, purpose: str, user: str, now: int, expires: int) -> None:
    """Add a single-use token; earlier ones of the same purpose and person stop working."""
    tx.execute(reset_token.delete().where(reset_token.c.purpose == purpose, reset_token.c.user == user))
    tx.execute(
        reset_token.insert().values(
            hash=hashed, purpose=purpose, user=user, created_at=now, expires_at=expires
        )
    )


def one_time_user(reader: Reader, hashed: str, purpose: str, now: int) -> str | None:
    """Whom an unused, unexpired single-use token belongs to; it is not used up."""
    query = sa.select(reset_token.c.user).where(
        reset_token.c.hash == hashed,
        reset_token.c.purpose == purpose,
        reset_token.c.used_at.is_(None),
        reset_token.c.expires_at > now,
    )
    found = reader.scalar(query)
    return None if found is None else str(found)


def use_one_time(tx: Transaction, hashed: str, purpose: str, now: int) -> str | None:
    """Use a single-use token up: of any number of attempts at once, exactly one gets the person's id."""
    user = one_time_user(tx, hashed, purpose, now)
    if user is None:
        return None
    used = tx.execute(
        reset_token.update()
        .where(reset_token.c.hash == hashed, reset_token.c.used_at.is_(None))
        .values(used_at=now)
    )
    return user if used == 1 else None


def drop_one_time(tx: Transaction, purpose: str, user: str) -> None:
    """Erase single-use tokens of one purpose and person."""
    tx.execute(reset_token.delete().where(reset_token.c.purpose == purpose, reset_token.c.user == user))


# ---------------------------------------------------------------- roles
def roles_of(reader: Reader, user: str) -> tuple[str, ...]:
    """References of the roles a person holds, in order."""
    return tuple(row[0] for row in reader.rows(_ROLES, {"user": user}))


def all_roles(reader: Reader) -> dict[str, tuple[str, ...]]:
    """Every person's roles."""
    held: dict[str, list[str]] = {}
    for user, name in reader.rows(sa.select(role.c.user, role.c.role).order_by(role.c.user, role.c.role)):
        held.setdefault(user, []).append(name)
    return {user: tuple(names) for user, names in held.items()}


def grant(tx: Transaction, user: str, name: str, by: str, now: int) -> None:
    """Give a role; giving it twice changes nothing."""
    insert = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    tx.execute(
        insert(role).values(user=user, role=name, granted_by=by, granted_at=now).on_conflict_do_nothing()
    )


def revoke(tx: Transaction, user: str, name: str) -> int:
    """Take a role away."""
    return tx.execute(role.delete().where(role.c.user == user, role.c.role == name))


def holders(reader: Reader, name: str) -> tuple[str, ...]:
    """Active people who hold a role."""
    query = (
        sa.select(role.c.user)
        .join(credential, (credential.c.user == role.c.user) & (credential.c.state == ACTIVE))
        .where(role.c.role == name)
        .order_by(role.c.user)
    )
    return tuple(row[0] for row in reader.rows(query))
