"""Fill the hand-written application's database: `python -m benchmarks.limit.seed DB ROWS`."""

from __future__ import annotations

import sys
import time
from itertools import islice
from pathlib import Path

import sqlalchemy as sa

from benchmarks.limit.entity import customer, employee, metadata, to_row
from benchmarks.limit.records import EMPLOYEES, gen_records

CHUNK = 5000


def fill(database: str, rows: int) -> None:
    """Make the tables anew and store `rows` customers; `database` is a SQLite path or a URL."""
    if "://" not in database:  # a dropped table leaves a fragmented free list behind
        for ending in ("", "-wal", "-shm"):
            Path(database + ending).unlink(missing_ok=True)
    engine = sa.create_engine(database if "://" in database else f"sqlite:///{database}")
    metadata.drop_all(engine)
    metadata.create_all(engine)
    people = [{"id": number, "name": f"Employee {number:03d}"} for number in range(1, EMPLOYEES + 1)]
    records = map(to_row, gen_records(rows))
    with engine.begin() as connection:
        connection.execute(employee.insert(), people)
        while chunk := list(islice(records, CHUNK)):
            connection.execute(customer.insert(), chunk)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


if __name__ == "__main__":
    started = time.perf_counter()
    fill(sys.argv[1], int(sys.argv[2]))
    print(f"{sys.argv[2]} rows in {time.perf_counter() - started:.2f} s")
