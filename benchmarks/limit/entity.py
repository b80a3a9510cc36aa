"""The tables of the hand-written application: no metadata layer, on purpose."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from benchmarks.limit.records import Record

metadata = sa.MetaData()


class Money(sa.types.TypeDecorator[str]):
    """Exact decimal(12,2) kept as integer hundredths; text on the Python side."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> int | None:
        """Text to hundredths."""
        if value is None:
            return None
        whole, _, fraction = str(value).partition(".")
        sign = -1 if whole.startswith("-") else 1
        return int(whole) * 100 + sign * int((fraction + "00")[:2])

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> str | None:
        """Hundredths to text."""
        if value is None:
            return None
        sign, size = ("-" if value < 0 else ""), abs(value)
        return f"{sign}{size // 100}.{size % 100:02d}"


employee = sa.Table(
    "employee",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(120), nullable=False),
)

customer = sa.Table(
    "customer",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("legal_name", sa.String(160)),
    sa.Column("email", sa.String(160), nullable=False),
    sa.Column("phone", sa.String(40)),
    sa.Column("website", sa.String(200)),
    sa.Column("tax_id", sa.String(32)),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("segment", sa.String(16), nullable=False),
    sa.Column("industry", sa.String(16)),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("country", sa.String(2), nullable=False),
    sa.Column("city", sa.String(80)),
    sa.Column("postal_code", sa.String(16)),
    sa.Column("street", sa.String(160)),
    sa.Column("credit_limit", Money, nullable=False),
    sa.Column("balance", Money, nullable=False),
    sa.Column("discount_pct", Money),
    sa.Column("customer_since", sa.Date, nullable=False),
    sa.Column("next_review", sa.Date),
    sa.Column("account_manager_id", sa.Integer, sa.ForeignKey("employee.id")),
    sa.Index("ix_customer_list", "status", "country", "credit_limit"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("ts", sa.Float, nullable=False),
    sa.Column("actor", sa.Integer, nullable=False),
    sa.Column("entity", sa.String(40), nullable=False),
    sa.Column("record_id", sa.Integer, nullable=False),
    sa.Column("action", sa.String(10), nullable=False),
    sa.Column("changes", sa.Text, nullable=False),
)

FIELDS = [str(column.name) for column in customer.c if column.name != "id"]
DATES = ("customer_since", "next_review")


def to_row(record: Record) -> Record:
    """A JSON record as values for SQLAlchemy Core: dates parsed, missing ones None."""
    row = {name: record.get(name) for name in FIELDS}
    for name in DATES:
        if row[name]:
            row[name] = dt.date.fromisoformat(str(row[name]))
    return row
