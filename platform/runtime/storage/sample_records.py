"""Which records came as sample data, and in which version they were left: what removing them goes by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import sqlalchemy as sa

from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.reader import Prepared, Reader, Row, Transaction
from dacheng.runtime.storage.record_rows import bound_ids, in_sizes
from dacheng.runtime.storage.system_tables import sample_record
from dacheng.runtime.storage.tables import EntityTable

AT_ONCE = 400
SIGN_IN = "sign_in"  # beside records: a sign-in that was made along with a person
_INSERT = Prepared(
    sa.insert(sample_record)
    .values({c.name: sa.bindparam(c.name, type_=c.type) for c in sample_record.c})
    .inline()
)

_FORGET = Prepared(sa.delete(sample_record).where(sample_record.c.record == sa.bindparam("known")))


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A record that came with an app: of a scenario, or (with an empty one) of a data set."""

    record: str
    entity: str
    scenario: str
    version: int


def note(
    tx: Transaction, model: Model, app: str, scenario: str, touched: Mapping[str, Collection[str]]
) -> None:
    """Remember records by entity, in the version in which they stand now; those known are known anew."""
    for ref, ids in touched.items():
        rows = [
            {"record": record, "entity": ref, "app": app, "scenario": scenario, "version": version}
            for record, version in _versions(tx, model.tables.entity(ref), ids)
        ]
        tx.execute(_FORGET, [{"known": each} for each in ids])
        tx.execute(_INSERT, rows)


def _versions(reader: Reader, made: EntityTable, ids: Iterable[str]) -> Iterator[Row]:
    for size, given in in_sizes(ids):
        some: Prepared | None = made.prepared.get(("versions", size))
        if some is None:
            chosen = sa.select(made.table.c.id, made.table.c.version)
            some = Prepared(chosen.where(made.table.c.id.in_(bound_ids(size))))
            made.prepared["versions", size] = some
        yield from reader.rows(some, given)


def note_sign_in(tx: Transaction, app: str, scenario: str, user: str) -> None:
    """Remember that this person's sign-in came along with them."""
    row = {"record": f"{SIGN_IN}:{user}", "entity": SIGN_IN, "app": app, "scenario": scenario, "version": 0}
    tx.execute(_INSERT, row)


def of_app(reader: Reader, app: str) -> list[SampleRow]:
    """Everything that came with an app and is still remembered."""
    c = sample_record.c
    asked = sa.select(c.record, c.entity, c.scenario, c.version).where(c.app == app).order_by(c.record)
    return [SampleRow(*row) for row in reader.rows(asked)]


def counts(reader: Reader, app: str) -> dict[str, int]:
    """How many are remembered, by entity."""
    c = sample_record.c
    asked = sa.select(c.entity, sa.func.count()).where(c.app == app, c.entity != SIGN_IN).group_by(c.entity)
    return {row[0]: int(row[1]) for row in reader.rows(asked)}


def own(reader: Reader, model: Model, ref: str) -> int:
    """How many living records of an entity are no sample data."""
    made = model.tables.entity(ref)
    came = sa.exists().where(sample_record.c.record == made.table.c.id)
    asked = sa.select(sa.func.count()).select_from(made.table).where(made.deleted_at.is_(None), ~came)
    return int(reader.scalar(asked) or 0)


def signed_in(reader: Reader) -> frozenset[str]:
    """The people whose sign-in came along with them."""
    asked = sa.select(sample_record.c.record).where(sample_record.c.entity == SIGN_IN)
    return frozenset(str(row[0]).removeprefix(f"{SIGN_IN}:") for row in reader.rows(asked))


def was_played(reader: Reader, app: str, scenario: str) -> bool:
    """Whether anything of a scenario is there."""
    c = sample_record.c
    asked = sa.select(c.record).where(c.app == app, c.scenario == scenario).limit(1)
    return reader.row(asked) is not None


def forget(tx: Transaction, records: Iterable[str]) -> None:
    """These are sample data no longer."""
    for some in in_parts(records):
        tx.execute(sa.delete(sample_record).where(sample_record.c.record.in_(some)))


def in_parts(ids: Iterable[str]) -> Iterable[list[str]]:
    """Ids, as many at a time as a statement takes."""
    left = iter(ids)
    while part := list(islice(left, AT_ONCE)):
        yield part
