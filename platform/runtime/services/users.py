"""People who may sign in: added, given roles, suspended. Nobody grants what they do not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from dacheng.metadata.problem import Refused, problem, refuse
from dacheng.plugins.context import System, User
from dacheng.runtime.services import passwords, write_record
from dacheng.runtime.services.directory import USER
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.sign_in import demand_email, end_everything
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage import accounts, versions
from dacheng.runtime.storage.accounts import Credential
from dacheng.runtime.storage.reader import Reader, Transaction


@dataclass(frozen=True, slots=True)
class NewUser:
    """A person to add; `password` None: they set it by a one-time link. `values` are more fields of the record."""

    email: str
    name: str
    roles: tuple[str, ...] = ()
    password: str | None = None
    values: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """A person as the list of users shows them."""

    user: str
    email: str
    state: str
    roles: tuple[str, ...]
    has_password: bool


def add_user(site: Site, work: Work, new: NewUser, also: Callable[[Transaction], None] | None = None) -> str:
    """Add a person with credentials and roles in one transaction; answers their id.

    `also` runs first in the same transaction and may refuse. Raises all problems found.
    """
    login = demand_email(new.email)
    roles = tuple(full_role(work, name) for name in new.roles)
    demand_may_grant(work, roles)
    hashed = _hash_new(new, login)
    known = work.entity(USER).entity.fields
    values = {"name": new.name, **dict(new.values)} | ({"email": login} if "email" in known else {})
    if site.db.read_now(lambda reader: accounts.credential_by_login(reader, login)) is not None:
        raise refuse("account.email_taken", "/email", value=login)
    write = Write(action="create", entity=USER, values=values)
    prepared = site.db.read_now(lambda reader: write_record.prepare(reader, work, write))
    now = milliseconds(work.context.now)

    def settle(tx: Transaction) -> str:
        if also is not None:
            also(tx)
        if accounts.credential_by_login(tx, login) is not None:
            raise refuse("account.email_taken", "/email", value=login)
        made = write_record.commit(tx, work, prepared)
        accounts.put_credential(tx, Credential(made.id, login, hashed, accounts.ACTIVE, now))
        for name in roles:
            accounts.grant(tx, made.id, name, work.context.actor.id, now)
        versions.bump(tx, "directory")
        return made.id

    return site.db.write_now(settle)


def grant_role(site: Site, work: Work, user: str, role: str) -> None:
    """Give a role the asker holds; the person's sessions end, so that the new right starts with a new session."""
    name = full_role(work, role)
    demand_may_grant(work, (name,))
    now = milliseconds(work.context.now)

    def settle(tx: Transaction) -> None:
        _demand_account(tx, user)
        _demand_over(tx, work, user)
        accounts.grant(tx, user, name, work.context.actor.id, now)
        accounts.drop_sessions(tx, user)
        versions.bump(tx, "directory")

    site.db.write_now(settle)


def revoke_role(site: Site, work: Work, user: str, role: str) -> None:
    """Take a role away; the last administrator keeps theirs. The person's sessions end."""
    name = full_role(work, role)
    demand_may_grant(work, (name,))

    def settle(tx: Transaction) -> None:
        _demand_account(tx, user)
        _demand_over(tx, work, user)
        if accounts.revoke(tx, user, name):
            _demand_an_admin(tx, work)
        accounts.drop_sessions(tx, user)
        versions.bump(tx, "directory")

    site.db.write_now(settle)


def suspend(site: Site, work: Work, user: str) -> None:
    """Shut a person out from this moment: sessions, tokens, open links and work under way end. Records stay theirs."""
    _set_state(site, work, user, accounts.SUSPENDED)


def reinstate(site: Site, work: Work, user: str) -> None:
    """Let a suspended person in again; they sign in anew."""
    _set_state(site, work, user, accounts.ACTIVE)


def list_accounts(reader: Reader, work: Work) -> tuple[Account, ...]:
    """Everybody who may sign in, by address; for those who may administer accounts."""
    demand_administrator(work)
    roles = accounts.all_roles(reader)
    return tuple(
        Account(each.user, each.login, each.state, roles.get(each.user, ()), each.password is not None)
        for each in accounts.credentials(reader)
    )


def find_user(reader: Reader, email: str) -> str:
    """The id of the person with this sign-in name, or `account.unknown_user`."""
    known = accounts.credential_by_login(reader, demand_email(email))
    if known is None:
        raise refuse("account.unknown_user", "/email", value=email)
    return known.user


def demand_administrator(work: Work) -> None:
    """Refuse everyone but administrators and the product itself."""
    if not isinstance(work.context.actor, System) and not work.policy.admin:
        raise refuse("access.not_permitted")


def full_role(work: Work, name: str) -> str:
    """`app.role` for a role given in full, or by its id alone where only one app has it."""
    roles = work.model.catalogue.roles
    if name in roles:
        return name
    found = [ref for ref, role in roles.items() if role.id == name]
    if len(found) == 1:
        return found[0]
    raise Refused([problem("account.unknown_role", "/role", name=name, known=", ".join(sorted(roles)))])


def admin_role(work: Work) -> str:
    """The reference of the role that may do everything."""
    return next(ref for ref, role in work.model.catalogue.roles.items() if role.admin)


def demand_may_grant(work: Work, roles: Iterable[str]) -> None:
    """Nobody grants what they do not hold: roles beyond the asker's own are refused, administrators excepted."""
    actor = work.context.actor
    if isinstance(actor, System):
        return
    if not isinstance(actor, User):
        raise refuse("access.not_permitted")
    if work.policy.admin:
        return
    policy = work.policy.entity(USER)
    if policy is None or not policy.may("update") or not set(roles) <= actor.roles:
        raise refuse("account.grant_beyond_own")


def _demand_over(tx: Transaction, work: Work, user: str) -> None:
    """Accounts of people with more rights than the asker's are out of reach."""
    demand_may_grant(work, accounts.roles_of(tx, user))


def _set_state(site: Site, work: Work, user: str, state: str) -> None:
    demand_may_grant(work, ())

    def settle(tx: Transaction) -> None:
        _demand_account(tx, user)
        _demand_over(tx, work, user)
        accounts.set_state(tx, user, state, milliseconds(work.context.now))
        _demand_an_admin(tx, work)
        end_everything(tx, user)
        versions.bump(tx, "directory")  # what is under way in their name looks again who it is for

    site.db.write_now(settle)


def _demand_account(tx: Transaction, user: str) -> None:
    if accounts.credential_of(tx, user) is None:
        raise refuse("account.unknown_user", value=user)


def _demand_an_admin(tx: Transaction, work: Work) -> None:
    if not accounts.holders(tx, admin_role(work)):
        raise refuse("account.last_admin")


def _hash_new(new: NewUser, login: str) -> str | None:
    if new.password is None:
        return None
    problems = passwords.check_password(new.password, about=(login, new.name))
    if problems:
        raise Refused(problems)
    return passwords.hash_password(new.password)
