"""The way from one catalogue to the next, as ordered changes to tables, each with the class of its risk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dacheng.metadata.definition import Catalogue, Entity, Field
from dacheng.metadata.kinds import ColumnSpec

SAFE, BACKFILL, LOSSY, BREAKING = "safe", "backfill", "lossy", "breaking"
_ORDER = (
    "add_table",
    "add_column",
    "retype_column",
    "add_rollup",
    "add_formula",
    "add_numbers",
    "add_index",
    "drop_index",
    "require_field",
    "archive_option",
    "archive_column",
    "archive_table",
)


@dataclass(frozen=True, slots=True)
class Change:
    """One step. `entity` is a reference, `field` a field id or "" for the whole table.

    Kinds: `add_table`, `add_column`, `retype_column` (a new column and a batched copy), `add_rollup` (a stored figure
    to be reckoned), `add_formula` (a stored formula to be computed for the records there), `add_numbers` (records there get theirs), `add_index` and `drop_index` (of `index_columns`), `require_field` (no schema change, rows may
    fail), `archive_option`, `archive_column`, `archive_table` (renamed, nothing is deleted).
    """

    kind: str
    entity: str
    field: str = ""
    columns: tuple[ColumnSpec, ...] = ()
    risk: str = SAFE
    index_columns: tuple[str, ...] = ()
    unique: bool = False
    detail: str = ""


def diff(old: Catalogue, new: Catalogue) -> tuple[Change, ...]:
    """Every change from `old` to `new`: additions first, tables before columns before indexes, archiving last."""
    changes: list[Change] = []
    for ref in sorted({*old.entities, *new.entities}):
        before, after = old.entities.get(ref), new.entities.get(ref)
        if before is None and after is not None:
            changes.append(Change("add_table", ref))
        elif after is None:
            changes.append(Change("archive_table", ref, risk=BREAKING))
        elif before is not None:
            changes.extend(_between(before, after))
    return tuple(
        sorted(changes, key=lambda one: (_ORDER.index(one.kind), one.entity, one.field, one.index_columns))
    )


def _between(old: Entity, new: Entity) -> Iterator[Change]:
    ref = new.ref
    for name in sorted({*old.fields, *new.fields}):
        before, after = old.fields.get(name), new.fields.get(name)
        if before is None and after is not None:
            yield from _added(ref, after)
        elif before is not None and after is None:
            if not before.virtual:
                yield Change("archive_column", ref, name, before.codec.columns, BREAKING)
        elif before is not None and after is not None and before.virtual != after.virtual:
            yield from _moved(ref, before, after)
        elif before is not None and after is not None:
            yield from _altered(ref, before, after, old, new)
    together = (set(old.unique_together), set(new.unique_together))
    for columns in sorted(together[1] - together[0]):
        yield Change("add_index", ref, risk=BACKFILL, index_columns=columns, unique=True)
    for columns in sorted(together[0] - together[1]):
        yield Change("drop_index", ref, index_columns=columns, unique=True)


def _added(ref: str, field: Field) -> Iterator[Change]:
    if field.codec.columns and not field.virtual:
        risk = BACKFILL if field.derived or (field.required and field.default is None) else SAFE
        yield Change("add_column", ref, field.id, field.codec.columns, risk)
    if field.derived and not field.virtual:
        kind = "add_formula" if field.kind == "formula" else "add_rollup"
        yield Change(kind, ref, field.id, field.codec.columns, BACKFILL)
    if field.assigned:
        yield Change("add_numbers", ref, field.id, field.codec.columns, BACKFILL)
    if is_indexed(field):
        yield Change("add_index", ref, field.id, index_columns=(field.id,), unique=field.unique)


def _moved(ref: str, old: Field, new: Field) -> Iterator[Change]:
    """A field that gets a column or gives its column up."""
    if old.virtual:
        yield from _added(ref, new)
    else:
        yield Change("archive_column", ref, old.id, old.codec.columns, BREAKING)


def _altered(ref: str, old: Field, new: Field, old_entity: Entity, new_entity: Entity) -> Iterator[Change]:
    retyped = old.kind != new.kind or _physical(old) != _physical(new)
    if retyped and (old.codec.columns or new.codec.columns):
        yield Change(
            "retype_column", ref, new.id, new.codec.columns, LOSSY, detail=f"{old.kind} → {new.kind}"
        )
    rollups = [next((r for r in e.rollups if r.field == new.id), None) for e in (old_entity, new_entity)]
    if rollups[1] is not None and rollups[0] != rollups[1]:
        yield Change("add_rollup", ref, new.id, new.codec.columns, BACKFILL)
    formulas = [next((f for f in e.formulas if f.field == new.id), None) for e in (old_entity, new_entity)]
    if formulas[1] is not None and formulas[1].stored and formulas[0] != formulas[1]:
        yield Change("add_formula", ref, new.id, new.codec.columns, BACKFILL)
    was, now = (is_indexed(old), old.unique), (is_indexed(new), new.unique)
    if was != now and was[0]:
        yield Change("drop_index", ref, new.id, index_columns=(new.id,), unique=old.unique)
    if was != now and now[0]:
        risk = BACKFILL if new.unique else SAFE
        yield Change("add_index", ref, new.id, risk=risk, index_columns=(new.id,), unique=new.unique)
    if new.required and not old.required:
        yield Change("require_field", ref, new.id, risk=BACKFILL)
    gone = sorted({option.id for option in old.options} - {option.id for option in new.options})
    if gone and not retyped and not new.virtual:
        yield Change("archive_option", ref, new.id, risk=LOSSY, detail=", ".join(gone))


def _physical(field: Field) -> tuple[tuple[str, str, int, str | None], ...]:
    if field.virtual:
        return ()
    return tuple((c.primitive.value, c.suffix, c.scale, c.references) for c in field.codec.columns)


def is_indexed(field: Field) -> bool:
    """Whether the field's first column has an index of its own: asked for, unique, or a link."""
    return (
        bool(field.codec.columns)
        and not field.virtual
        and (field.indexed or field.unique or any(column.indexed for column in field.codec.columns))
    )
