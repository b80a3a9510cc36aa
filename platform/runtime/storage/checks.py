"""What `doctor` looks at: each check gives problems, none means sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import sqlalchemy as sa

from dacheng.metadata.problem import Problem, problem
from dacheng.runtime.storage import (
    formulas,
    joins,
    physical,
    references,
    rollups,
    schema_change,
    search,
)
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.tables import ROW, EntityTable, search_table

_SAMPLE = 200
_NAMED = 20
Check = Callable[[Reader, Model], Iterator[Problem]]


def check_all(reader: Reader, model: Model) -> tuple[Problem, ...]:
    """Every check in turn; when the schema itself is wrong, the checks that need it are left out."""
    found = [*integrity(reader, model), *schema_change.verify(reader, model.tables)]
    if found:
        return tuple(found)
    later: tuple[Check, ...] = (
        foreign_keys,
        rollup_figures,
        formula_values,
        search_entries,
        match_entries,
        orphaned_lines,
        reference_entries,
        join_tables,
    )
    return tuple(each for check in later for each in check(reader, model))


def _failed(check: str, what: str) -> Problem:
    return problem("storage.check_failed", check=check, what=what)


def integrity(reader: Reader, model: Model) -> Iterator[Problem]:
    """The file's own structure; PostgreSQL looks after its own."""
    if reader.dialect == "sqlite":
        for (line,) in reader.rows(sa.text("PRAGMA integrity_check(20)")):
            if line != "ok":
                yield _failed("integrity", line)


def foreign_keys(reader: Reader, model: Model) -> Iterator[Problem]:
    """Links that lead nowhere; PostgreSQL never lets one be."""
    if reader.dialect == "sqlite":
        for table, row, target, _ in reader.rows(sa.text("SELECT * FROM pragma_foreign_key_check")):
            yield _failed("foreign keys", f"{table} row {row} → {target}")


def rollup_figures(reader: Reader, model: Model) -> Iterator[Problem]:
    """Stored roll-ups against the records behind them."""
    for child in model.tables.by_entity.values():
        for kept in rollups.over(model.tables, child):
            for key in _wrong_rollups(reader, kept):
                yield _failed("roll-ups", f"{kept.parent.entity.ref}.{kept.rollup.field} of {key}")


def formula_values(reader: Reader, model: Model) -> Iterator[Problem]:
    """Stored formulas against what the values of their records give."""
    for made in model.tables.by_entity.values():
        for field, key in islice(formulas.wrong(reader, made), _NAMED):
            yield _failed("formulas", f"{made.entity.ref}.{field} of {key}")


def _wrong_rollups(reader: Reader, kept: rollups.Kept) -> list[str]:
    parent = kept.parent
    figures = rollups.figures(kept, parent.table.c.id, reader.dialect)
    stored = parent.columns[kept.rollup.field]
    differing = [
        one.is_distinct_from(figure.scalar_subquery()) for one, figure in zip(stored, figures, strict=True)
    ]
    wrong = sa.select(parent.table.c.id).where(sa.or_(*differing)).limit(20)
    return [row[0] for row in reader.rows(wrong)]


def search_entries(reader: Reader, model: Model) -> Iterator[Problem]:
    """Every record has its search entry, none is left over, and a sample holds the right words."""
    for made in model.tables.by_entity.values():
        if made.search:
            yield from _search_of(reader, made)


def _search_of(reader: Reader, made: EntityTable) -> Iterator[Problem]:
    key = "rowid" if reader.dialect == "sqlite" else "row"
    index = sa.table(search_table(made.table.name), sa.column(key), sa.column("grams"))
    row = made.table.c[ROW]
    entered = sa.exists().where(
        index.c[key] == row
    )  # unlike NOT IN, quick on PostgreSQL however many there are
    missing = sa.select(made.table.c.id).where(~entered).limit(20)
    for (record,) in reader.rows(missing):
        yield _failed("search index", f"{made.entity.ref} {record} is missing")
    left = sa.select(index.c[key]).where(~sa.exists().where(row == index.c[key])).limit(20)
    for (number,) in reader.rows(left):
        yield _failed("search index", f"{made.entity.ref} row {number} is left over")
    if reader.dialect == "sqlite":
        yield from _search_words(reader, made, index)


def _search_words(reader: Reader, made: EntityTable, index: sa.TableClause) -> Iterator[Problem]:
    columns = [column for name in made.search for column in made.columns[name]]
    joined = sa.join(made.table, index, made.table.c[ROW] == index.c.rowid)
    some = sa.select(made.table.c.id, index.c.grams, *columns).select_from(joined)
    for found in reader.rows(some.order_by(made.table.c[ROW].desc()).limit(_SAMPLE)):
        stored, start = {}, 2
        for name in made.search:
            stop = start + len(made.columns[name])
            stored[name] = found[start:stop]
            start = stop
        if " ".join(search.tokens_of(made, stored)) != found[1]:
            yield _failed("search index", f"{made.entity.ref} {found[0]} holds other words")


def match_entries(reader: Reader, model: Model) -> Iterator[Problem]:
    """What records are compared by when somebody looks for duplicates."""
    for made in model.tables.by_entity.values():
        for record in islice(schema_change.wrong_matches(reader, made), _NAMED):
            yield _failed("duplicates", f"{made.entity.ref} {record} is compared by something else")


def orphaned_lines(reader: Reader, model: Model) -> Iterator[Problem]:
    """Living lines whose record is gone, deleted, or never was."""
    for made in model.tables.by_entity.values():
        if made.entity.parent is None:
            continue
        parent = model.tables.entity(made.entity.parent)
        via = made.columns[str(made.entity.parent_field)][0]
        alive = sa.exists().where(parent.table.c.id == via, parent.deleted_at.is_(None))
        lost = sa.select(made.table.c.id).where(made.deleted_at.is_(None), ~alive)
        for (line,) in reader.rows(lost.limit(20)):
            yield _failed("lines", f"{made.entity.ref} {line} belongs to no living record")


def reference_entries(reader: Reader, model: Model) -> Iterator[Problem]:
    """What records hold in lists is found from the other end as well."""
    for entity, field in references.wrong(reader, model.tables):
        yield problem("file.reference_wrong", entity=entity, field=field)


def join_tables(reader: Reader, model: Model) -> Iterator[Problem]:
    """What records link to in lists stands in the join tables as well."""
    for entity, field in joins.wrong(reader, model.tables):
        yield _failed("join tables", f"{entity}.{field}")


def repair(tx: Transaction, model: Model, now_ms: int) -> None:
    """Add what the schema lacks (an index a newer version of the product wants), then compute anew what is derived:
    formulas, roll-ups, references, search entries and what is compared for duplicates."""
    journal = schema_change.Journal("repair", now_ms)
    schema_change.apply(tx, (), model.tables, model.tables, journal)
    references.rebuild(tx, model.tables)
    for made in model.tables.by_entity.values():
        for name in made.joins:
            joins.rebuild(tx, model.tables, made, name)
        schema_change.rebuild_matches(tx, made)
    now = physical.read(tx)
    for made in model.tables.by_entity.values():
        formulas.refill(tx, made)
    for made in model.tables.by_entity.values():
        if made.entity.rollups:
            schema_change.rebuild_rollups(tx, model.tables, made)
            formulas.refill(tx, made)
        if made.search and now.has(search_table(made.table.name)):
            schema_change.rebuild_search(tx, made)
