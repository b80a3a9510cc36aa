"""Since when a field is the field it is: one that was dropped and came back knows nothing of its namesake's past."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson
import sqlalchemy as sa

from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.system_tables import change_log, journal

KINDS = ("table_added", "column_added")
Births = Mapping[tuple[str, str], int]  # (entity, field; "" for the whole entity) → the last entry before it


def head(reader: Reader) -> int:
    """The number of the change log's latest entry: what a field made now is younger than."""
    return int(reader.scalar(sa.select(sa.func.max(change_log.c.seq))) or 0)


def births(reader: Reader, entities: Iterable[str]) -> Births:
    """The birth marks of these entities and their fields, as the journal of schema changes has them."""
    wanted = frozenset(entities)
    named = [journal.c.detail.contains(f'"entity":"{ref}"', autoescape=True) for ref in sorted(wanted)]
    if not named:
        return {}
    asked = sa.select(journal.c.detail).where(journal.c.kind.in_(KINDS), sa.or_(*named))
    found: dict[tuple[str, str], int] = {}
    for (text,) in reader.rows(asked.order_by(journal.c.seq)):
        detail = orjson.loads(text)
        if detail.get("entity") in wanted and detail.get("after"):
            found[detail["entity"], detail.get("field", "")] = detail["after"]
    return found
