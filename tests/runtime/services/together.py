"""People whose roles are in the database, so that services can ask what somebody else may see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from dacheng.runtime.services import comments, inbox, notices
from dacheng.runtime.services.comments import Comment
from dacheng.runtime.services.inbox import Told
from dacheng.runtime.storage import accounts, outbox
from dacheng.runtime.storage.outbox import Job
from dacheng.runtime.storage.reader import Transaction
from tests.runtime.services.workspace import PEOPLE, Workspace

LATER = 10**14


def with_roles(shop: Workspace) -> Workspace:
    """The shop whose people hold the roles they act with."""

    def grant(tx: Transaction) -> None:
        for who, role in PEOPLE.items():
            accounts.grant(tx, shop.people[who], f"shop.{role}", "test", 0)

    shop.db.write_now(grant)
    return shop


def say(shop: Workspace, who: str, ref: str, record: str, text: str, mentions: Sequence[str] = ()) -> Comment:
    """One comment; mentions by first name or by id."""
    work = shop.work(who)
    named = [shop.people.get(each, each) for each in mentions]
    return shop.db.write_now(lambda tx: comments.add(tx, work, ref, record, text, named))


def deliver(shop: Workspace, times: int = 1) -> list[Job]:
    """What the worker does with waiting notices, each delivered `times` over."""
    jobs = shop.db.write_now(lambda tx: outbox.take(tx, "test", LATER, kinds=[notices.JOB], limit=100))
    now = int(datetime.now(UTC).timestamp() * 1000)
    for job in jobs:
        for _ in range(times):
            shop.db.write_now(partial(notices.deliver, given=job.payload, now=now))
    return jobs


def told(shop: Workspace, who: str) -> list[Told]:
    """A person's inbox."""
    work = shop.work(who)
    return list(shop.read(lambda reader: inbox.read(reader, work)).items)
