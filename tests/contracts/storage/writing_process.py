"""Writes purchases with two lines each for ever and says the id of each one that was acknowledged."""

from __future__ import annotations

import sys

from dacheng.runtime.storage import ids
from dacheng.runtime.storage.database import open_database
from tests.runtime.storage import open_shop
from tests.runtime.storage.open_shop import Shop, cny
from tests.runtime.storage.shop import catalogue_of, model_of

if __name__ == "__main__":
    shop = Shop(open_database(sys.argv[1]), model_of(catalogue_of()))
    print("ready", flush=True)
    setattr(open_shop, "uid", ids.new_id)  # noqa: B010 - ids of this process, not those of an earlier one
    while True:
        key, _ = shop.purchase(cny(1), cny(2), title="deal")
        print(key, flush=True)
