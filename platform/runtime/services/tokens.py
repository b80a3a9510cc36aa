"""API tokens: shown once, stored as a hash, revocable, dead with their owner's suspension or reset."""

from __future__ import annotations

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import sessions
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.users import demand_may_grant
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import accounts
from dacheng.runtime.storage.accounts import TokenRow
from dacheng.runtime.storage.reader import Reader, Transaction

MAX_TOKENS = 50


def create_token(site: Site, work: Work, user: str, name: str) -> str:
    """A new token that acts as `user` (oneself, or anyone whose every role one holds); answers its only copy."""
    value = sessions.TOKEN_PREFIX + sessions.secret()
    row = TokenRow(work.context.new_id(), name[:120], sessions.milliseconds(work.context.now), None)

    def settle(tx: Transaction) -> None:
        _demand_own_or_over(tx, work, user)
        if accounts.credential_of(tx, user) is None:
            raise refuse("account.unknown_user", value=user)
        if len(accounts.tokens_of(tx, user)) >= MAX_TOKENS:
            raise refuse("account.too_many_tokens", limit=MAX_TOKENS)
        accounts.put_token(tx, user, sessions.hashed(value), row)

    site.db.write_now(settle)
    return value


def list_tokens(reader: Reader, work: Work, user: str) -> list[TokenRow]:
    """A person's tokens (names and dates; the tokens themselves cannot be shown again)."""
    _demand_own_or_over(reader, work, user)
    return accounts.tokens_of(reader, user)


def revoke_token(site: Site, work: Work, user: str, token_id: str) -> None:
    """End a token from this moment; one that is not there is `account.unknown_token`."""

    def settle(tx: Transaction) -> None:
        _demand_own_or_over(tx, work, user)
        if not accounts.drop_token(tx, user, token_id):
            raise refuse("account.unknown_token")

    site.db.write_now(settle)


def _demand_own_or_over(reader: Reader, work: Work, user: str) -> None:
    if work.context.actor.id != user:
        demand_may_grant(work, accounts.roles_of(reader, user))
