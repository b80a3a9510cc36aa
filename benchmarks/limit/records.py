"""Deterministic customer records and their JSON Schema; standard library only."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

Record = dict[str, Any]

STATUS = ["lead", "active", "inactive", "blocked"]
SEGMENT = ["smb", "mid", "enterprise", "public"]
INDUSTRY = ["retail", "software", "health", "finance", "energy", "food", "media", "other"]
CURRENCY = ["EUR", "USD", "GBP", "CHF"]
PLACES = {
    "DE": "Berlin", "FR": "Paris", "IT": "Rome", "ES": "Madrid", "PL": "Warsaw", "NL": "Utrecht",
    "AT": "Vienna", "CH": "Zurich", "SE": "Malmo", "DK": "Aarhus", "NO": "Bergen", "FI": "Turku",
    "BE": "Ghent", "PT": "Porto", "IE": "Cork", "CZ": "Brno", "GB": "Leeds", "US": "Austin",
    "CA": "Toronto", "AU": "Perth",
}  # fmt: skip
COUNTRY = list(PLACES)
EMPLOYEES = 200

_MONEY = {"type": "string", "pattern": r"^-?\d{1,10}(\.\d{1,2})?$"}
_DATE = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$", "format": "date"}


def _text(limit: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": limit}


CUSTOMER_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": [
        "name", "email", "status", "segment", "currency", "country", "credit_limit", "balance",
        "customer_since",
    ],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 120},
        "legal_name": _text(160),
        "email": {"type": "string", "maxLength": 160, "pattern": r"^[^@\s]+@[^@\s]+\.[^@\s]+$"},
        "phone": _text(40),
        "website": _text(200),
        "tax_id": _text(32),
        "status": {"enum": STATUS},
        "segment": {"enum": SEGMENT},
        "industry": {"enum": INDUSTRY},
        "currency": {"enum": CURRENCY},
        "country": {"type": "string", "minLength": 2, "maxLength": 2},
        "city": _text(80),
        "postal_code": _text(16),
        "street": _text(160),
        "credit_limit": _MONEY,
        "balance": _MONEY,
        "discount_pct": _MONEY,
        "customer_since": _DATE,
        "next_review": _DATE,
        "account_manager_id": {"type": "integer", "minimum": 1},
    },
}  # fmt: skip


def gen_records(count: int, seed: int = 1) -> Iterator[Record]:
    """`count` JSON-shaped customers, the same for the same seed; decimals and dates as text."""
    chance = random.Random(seed)
    start = dt.date(2010, 1, 1)
    for number in range(count):
        country = COUNTRY[chance.randrange(len(COUNTRY))]
        yield {
            "name": f"Customer {seed}-{number:06d}",
            "legal_name": f"Customer {number:06d} Holding & Söhne GmbH",
            "email": f"contact{number}@example-{number % 997}.com",
            "phone": f"+49 30 {chance.randrange(10**7):07d}",
            "website": f"https://www.example-{number % 997}.com",
            "tax_id": f"DE{chance.randrange(10**9):09d}",
            "status": chance.choice(STATUS),
            "segment": chance.choice(SEGMENT),
            "industry": chance.choice(INDUSTRY),
            "currency": chance.choice(CURRENCY),
            "country": country,
            "city": PLACES[country],
            "postal_code": f"{chance.randrange(100000):05d}",
            "street": f"{chance.choice(list(PLACES.values()))} Street {chance.randrange(1, 200)}",
            "credit_limit": f"{chance.randrange(0, 10**7) / 100:.2f}",
            "balance": f"{chance.randrange(-(10**6), 10**6) / 100:.2f}",
            "discount_pct": f"{chance.randrange(0, 3000) / 100:.2f}",
            "customer_since": (start + dt.timedelta(days=chance.randrange(5000))).isoformat(),
            "next_review": (start + dt.timedelta(days=chance.randrange(5000, 7000))).isoformat(),
            "account_manager_id": chance.randrange(1, EMPLOYEES + 1),
        }
