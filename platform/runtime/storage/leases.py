"""Who may do a thing at present, among several processes: a lease that ends by itself."""

from __future__ import annotations

import orjson
import sqlalchemy as sa

from dacheng.runtime.storage.reader import Transaction
from dacheng.runtime.storage.system_tables import setting


def take(tx: Transaction, name: str, owner: str, now: int, length: int) -> bool:
    """Take or renew the lease until `now + length` (ms); False while another owner's has not ended."""
    key = f"lease.{name}"
    found = tx.scalar(sa.select(setting.c.value).where(setting.c.key == key))
    if found is not None:
        holder, until = orjson.loads(found)
        if holder != owner and until > now:
            return False
        tx.execute(sa.delete(setting).where(setting.c.key == key))
    tx.execute(setting.insert().values(key=key, value=orjson.dumps([owner, now + length]).decode()))
    return True


def give_up(tx: Transaction, name: str, owner: str) -> None:
    """End one's own lease at once."""
    key = f"lease.{name}"
    found = tx.scalar(sa.select(setting.c.value).where(setting.c.key == key))
    if found is not None and orjson.loads(found)[0] == owner:
        tx.execute(sa.delete(setting).where(setting.c.key == key))
