"""Which plugins a workspace has disabled: one row, read at start and whenever definitions move."""

from __future__ import annotations

import orjson
import sqlalchemy as sa

from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.system_tables import setting
from dacheng.runtime.storage.versions import bump

KEY = "plugins.disabled"


def disabled(reader: Reader) -> frozenset[str]:
    """The names of the disabled plugins."""
    found = reader.scalar(sa.select(setting.c.value).where(setting.c.key == KEY))
    return frozenset() if found is None else frozenset(orjson.loads(found))


def put_disabled(tx: Transaction, names: frozenset[str]) -> None:
    """Keep these names instead; every process notices, as its definitions moved."""
    tx.execute(sa.delete(setting).where(setting.c.key == KEY))
    tx.execute(setting.insert().values(key=KEY, value=orjson.dumps(sorted(names)).decode()))
    bump(tx, "definitions")
