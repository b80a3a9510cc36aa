"""Claims: who is kept out by somebody's protection asks an arbiter to decide, and hears what was decided.

A claimant never learns which record stands in the way: a claim holds what they typed and their reason. An
accepted claim makes the record theirs, by an ordinary save of the arbiter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from dacheng.metadata.definition import Match
from dacheng.metadata.problem import refuse
from dacheng.plugins.context import Cause, User
from dacheng.runtime.services import audience, duplicates, notices, read_records, write_record
from dacheng.runtime.services.directory import USER
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.notices import Notice
from dacheng.runtime.services.save_plan import Write, stamp_of
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import accounts, claims, versions
from dacheng.runtime.storage.claims import ClaimRow
from dacheng.runtime.storage.database import Database
from dacheng.runtime.storage.reader import Reader, Transaction

KIND: Final = "claim"
OWNER: Final = "owner"
LONGEST: Final = 1000
LOOKED_AT: Final = 500
RECENT: Final = 20


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim as its reader may see it: `record` and `title` are empty for who may not see the record.

    `accepted` is None while it is open.
    """

    id: str
    entity: str
    record: str
    title: str
    owner: str
    claimant: str
    said: str
    reason: str
    at: int
    accepted: bool | None
    answer: str
    decider: str
    decided_at: int | None


def claim(tx: Transaction, work: Work, ref: str, values: Mapping[str, Any], reason: str) -> str:
    """Ask the arbiters to decide about what keeps the asker from making a record with these typed values.

    Refuses with `claim.nothing` where nothing does, `claim.open` where they asked before, `claim.no_reason`.
    """
    versions.demand(tx, work.model.versions)
    if not isinstance(work.context.actor, User) or not work.entity(ref).may("create"):
        raise refuse("access.not_permitted")
    if not reason.strip() or len(reason) > LONGEST:
        raise refuse("claim.no_reason", "/reason", limit=LONGEST)
    found = duplicates.protected(tx, work, ref, values)
    if not found:
        raise refuse("claim.nothing")
    match, record, _ = found[0]
    if claims.is_open(tx, record, work.context.actor.id):
        raise refuse("claim.open")
    deciders = _deciders(tx, work, match, record)
    if not deciders:
        raise refuse("claim.nobody")
    stamp, ident = stamp_of(work), work.context.new_id()
    said = _said(work, match, values)
    claims.put(
        tx, ClaimRow(ident, ref, record, match.ref, stamp.actor_id, said, reason.strip(), stamp.now_ms)
    )
    notices.put(tx, Notice(KIND, ref, record, stamp.actor_id), deciders, f"claim:{ident}", stamp.now_ms)
    return ident


def is_arbiter(work: Work) -> bool:
    """Whether any match names a role of the asker's."""
    matches = [each for found in work.model.catalogue.matches.values() for each in found]
    return any(each.arbiters and duplicates.arbitrates(work, each) for each in matches)


def to_decide(reader: Reader, work: Work) -> list[Claim]:
    """What waits for the asker as an arbiter, the longest waiting first; claims to records out of sight are not there."""
    return _theirs(reader, work, claims.open_ones(reader, LOOKED_AT)) if is_arbiter(work) else []


def lately_decided(reader: Reader, work: Work) -> list[Claim]:
    """What arbiters of the asker's kind decided lately."""
    return _theirs(reader, work, claims.decided(reader, LOOKED_AT))[:RECENT] if is_arbiter(work) else []


def own(reader: Reader, work: Work) -> list[Claim]:
    """What the asker claimed, the latest first, without a word of the record in the way."""
    rows = claims.of(reader, work.context.actor.id, RECENT)
    return [replace(each, record="", title="", owner="") for each in _shown(reader, work, rows)]


async def decide(db: Database, work: Work, claim_id: str, answer: str, *, accept: bool) -> None:
    """Accept a claim, which makes the record the claimant's, or refuse it with a reason; both are told.

    Refuses with `claim.missing` for what is not the asker's to decide, `claim.decided`, `claim.no_answer`,
    and with whatever the change of owner meets.
    """
    row, owner = await db.read(lambda reader: _open_one(reader, work, claim_id), bounded=True)
    if (not accept and not answer.strip()) or len(answer) > LONGEST:
        raise refuse("claim.no_answer", "/answer", limit=LONGEST)

    def close(tx: Transaction) -> None:
        _close(tx, work, row, answer.strip(), owner if accept else "", accept=accept)

    if accept and owner != row.claimant:
        caused = replace(work, context=work.context.because(Cause(KIND, claim_id, work.context.actor.id)))
        handed = Write("update", row.entity, row.record, {OWNER: row.claimant})
        await write_record.write(db, caused, handed, lambda tx, _: close(tx))
    else:
        await db.write(close)


def _open_one(reader: Reader, work: Work, claim_id: str) -> tuple[ClaimRow, str]:
    """A claim that is the asker's to decide, and who owns the record now."""
    row = claims.one(reader, claim_id)
    if row is None or row.claimant == work.context.actor.id or not _seen(reader, work, [row]):
        raise refuse("claim.missing")
    if row.decided_at is not None:
        raise refuse("claim.decided")
    return row, str(read_records.get(reader, work, row.entity, row.record).values.get(OWNER) or "")


def _close(tx: Transaction, work: Work, row: ClaimRow, answer: str, before: str, *, accept: bool) -> None:
    """Note the decision and tell the claimant (of the claim, not of the record), and whoever lost the record."""
    versions.demand(tx, work.model.versions)
    stamp = stamp_of(work)
    if not claims.decide(tx, row.id, stamp.actor_id, stamp.now_ms, answer, accepted=accept):
        raise refuse("claim.decided")
    told = Notice("claim_answer", row.entity, row.id, stamp.actor_id, more={"accepted": accept})
    notices.put(tx, told, [row.claimant], f"claim_answer:{row.id}", stamp.now_ms)
    if before and before not in (stamp.actor_id, row.claimant):
        lost = Notice("claim_lost", row.entity, row.record, stamp.actor_id)
        notices.put(tx, lost, [before], f"claim_lost:{row.id}", stamp.now_ms)


# ---------------------------------------------------------------- reading
def _theirs(reader: Reader, work: Work, rows: Sequence[ClaimRow]) -> list[Claim]:
    """Those of the claims that the asker decides about; nobody decides about their own."""
    others = [row for row in rows if row.claimant != work.context.actor.id]
    return _shown(reader, work, _seen(reader, work, others))


def _seen(reader: Reader, work: Work, rows: Sequence[ClaimRow]) -> list[ClaimRow]:
    """The claims under a match that the asker arbitrates, to records that they may see."""
    asked = [row for row in rows if (m := _match(work, row)) is not None and duplicates.arbitrates(work, m)]
    visible: dict[str, frozenset[str]] = {}
    for ref in {row.entity for row in asked}:
        if work.policy.entity(ref) is not None:
            ids = [row.record for row in asked if row.entity == ref]
            visible[ref] = frozenset(read_records.visible(reader, work, ref, ids))
    return [row for row in asked if row.record in visible.get(row.entity, ())]


def _shown(reader: Reader, work: Work, rows: Sequence[ClaimRow]) -> list[Claim]:
    owners, titles = _owners(reader, work, rows), _titles(reader, work, rows)
    people = [
        each for row in rows for each in (row.claimant, row.decided_by or "", owners.get(row.record, ""))
    ]
    names = read_records.titles(reader, work, USER, people)
    return [
        Claim(
            row.id, row.entity, row.record, titles.get(row.record, ""),
            names.get(owners.get(row.record, ""), ""), names.get(row.claimant, ""), row.said, row.reason, row.at,
            None if row.accepted is None else bool(row.accepted), row.answer or "",
            names.get(row.decided_by or "", ""), row.decided_at,
        )
        for row in rows
    ]  # fmt: skip


def _titles(reader: Reader, work: Work, rows: Sequence[ClaimRow]) -> dict[str, str]:
    found: dict[str, str] = {}
    for ref in {row.entity for row in rows}:
        if work.policy.entity(ref) is not None:
            ids = [row.record for row in rows if row.entity == ref]
            found |= read_records.titles(reader, work, ref, ids)
    return found


def _owners(reader: Reader, work: Work, rows: Sequence[ClaimRow]) -> dict[str, str]:
    """Who owns each record now, where the asker may see that."""
    found: dict[str, str] = {}
    for ref in {row.entity for row in rows}:
        policy = work.policy.entity(ref)
        if policy is None or OWNER not in policy.readable:
            continue
        ids = list({row.record for row in rows if row.entity == ref})
        asked = Query(ref, (OWNER,), {"in": [{"var": "id"}, ids]}, limit=len(ids))
        page = read_records.list_page(reader, work, asked)
        found |= {ident: str(row[OWNER] or "") for ident, row in zip(page.ids, page.json(), strict=True)}
    return found


def _match(work: Work, row: ClaimRow) -> Match | None:
    matches = work.model.catalogue.matches.get(row.entity, ())
    return next((each for each in matches if each.ref == row.match), None)


def _deciders(reader: Reader, work: Work, match: Match, record: str) -> list[str]:
    """The people who arbitrate under a match and may see the record."""
    wanted = frozenset(match.arbiters)
    holders = [user for user, roles in accounts.all_roles(reader).items() if not wanted.isdisjoint(roles)]
    return audience.seers(reader, work, match.entity, record, holders[: audience.LOOKED_AT])


def _said(work: Work, match: Match, values: Mapping[str, Any]) -> str:
    """What of the typed values the match compares, in the claimant's own words."""
    fields = work.entity(match.entity).readable
    names = dict.fromkeys(key.field for key in match.keys if key.field in fields)
    texts = [fields[name].codec.text(values[name]) for name in names if values.get(name) is not None]
    return " · ".join(texts)
