"""Jobs that were given up, for administrators: why, once more, or never. Trying again sends nothing twice:
a job keeps its key, and only one that did not succeed is here."""

from __future__ import annotations

import logging
import re

from dacheng.metadata.problem import catalogue, problem, refuse
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.users import demand_administrator
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import dead_letters
from dacheng.runtime.storage.dead_letters import DeadLetter
from dacheng.runtime.storage.reader import Reader

SHOWN = 200
_CODE = re.compile(r"[a-z_]+\.[a-z_]+")
log = logging.getLogger("dacheng.worker")


def list_failed(reader: Reader, work: Work) -> tuple[tuple[DeadLetter, ...], int]:
    """The latest of them, and how many there are in all."""
    demand_administrator(work)
    return tuple(dead_letters.latest(reader, SHOWN)), dead_letters.count(reader)


def get_failed(reader: Reader, work: Work, number: int) -> DeadLetter:
    """One of them, or `job.not_failed`."""
    demand_administrator(work)
    found = dead_letters.get(reader, number)
    if found is None:
        raise refuse("job.not_failed", number=number)
    return found


def retry(site: Site, work: Work, number: int | None = None) -> int:
    """Try one again, or all of them; answers how many. One that is not there is `job.not_failed`."""
    demand_administrator(work)
    now = milliseconds(work.context.now)
    revived = site.db.write_now(lambda tx: dead_letters.revive(tx, now, number))
    if number is not None and not revived:
        raise refuse("job.not_failed", number=number)
    log.info("%s let %s failed jobs be tried again", work.context.actor.id, revived)
    return revived


def discard(site: Site, work: Work, number: int, *, consent: bool) -> None:
    """Give one up for good; without consent nothing happens. One that is not there is `job.not_failed`."""
    demand_administrator(work)
    if not consent:
        raise refuse("job.consent_missing", "/consent")
    now = milliseconds(work.context.now)
    if not site.db.write_now(lambda tx: dead_letters.discard(tx, number, now)):
        raise refuse("job.not_failed", number=number)
    log.info("%s discarded the failed job %s", work.context.actor.id, number)


def reason_in(letter: DeadLetter, locale: str) -> str:
    """Why it failed; a reason that the product itself gave is said in `locale`."""
    if not _CODE.fullmatch(letter.reason) or letter.reason not in catalogue():
        return letter.reason
    found = problem(letter.reason)
    return " ".join(text for text in (found.message_in(locale), found.hint_in(locale)) if text)
