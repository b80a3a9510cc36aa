"""Publishes a retype, an added field and a dropped one in one go; a test ends it at a named point."""

from __future__ import annotations

import sys

from dacheng.runtime.storage.database import open_database
from tests.contracts.storage.test_schema_change import CHANGES
from tests.runtime.storage.open_shop import Shop
from tests.runtime.storage.shop import catalogue_of, model_of

if __name__ == "__main__":
    shop = Shop(open_database(sys.argv[1]), model_of(catalogue_of()))
    shop.move(CHANGES["retype_text_to_integer"])
    shop.db.close()
