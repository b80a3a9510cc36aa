"""A firm's sales pipeline as four generated files, with the faults real exports have, and the figures they hold.

The figures are worked out from the written files with the csv module alone, so that nothing of the product
has a say in what is right.
"""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

FIRST, LAST = date(2016, 10, 1), date(2017, 12, 31)
PRODUCTS = (
    ("GTX Basic", "GTX", 550),
    ("GTX Pro", "GTX", 4821),
    ("GTX Plus Pro", "GTX", 5482),
    ("MG Special", "MG", 55),
    ("GTK 500", "GTK", 26768),
)
SECTORS = ("technolgy", "medical", "retail", "software", "finance")
OFFICES = ("Central", "East", "West")
MANAGERS = ("Dustin Brinkmann", "周海燕", "Siobhán O'Neill")
PEOPLE = (
    "Anna Snelling", "Cecily Lampkin", "Moses Frase", "李娜", "欧阳 明月", "Zoë Núñez",
    "Jean-Luc D'Arc", "Kary Hendrixson", "Lajuana Vencill",
)  # fmt: skip
NAMES = (
    'Bubba "Gump" & Co',
    "Acme, Inc.",
    "上海远航贸易有限公司",
    "Ça Va SARL",
    "<b>Bold</b> Ltd",
    "O'Brien's",
)
HEADER = (
    "opportunity_id", "sales_agent", "product", "account", "deal_stage", "engage_date", "close_date",
    "close_value",
)  # fmt: skip
BAD = (
    ("BAD-AGENT", "Nobody Known", "GTX Basic", "Account 7", "Won", "2017-01-02", "2017-02-03", "1000"),
    ("BAD-PRODUCT", "李娜", "GTX Ultra", "Account 7", "Won", "2017-01-02", "2017-02-03", "1000"),
    ("BAD-ACCOUNT", "李娜", "GTX Basic", "Gone Ltd", "Won", "2017-01-02", "2017-02-03", "1000"),
    ("BAD-STAGE", "李娜", "GTX Basic", "Account 7", "Thinking", "2017-01-02", "2017-02-03", "1000"),
    ("BAD-DATE", "李娜", "GTX Basic", "Account 7", "Won", "2017-01-02", "2017-02-30", "1000"),
    ("BAD-AMOUNT", "李娜", "GTX Basic", "Account 7", "Won", "2017-01-02", "2017-02-03", "a lot"),
    ("", "李娜", "GTX Basic", "Account 7", "Won", "2017-01-02", "2017-02-03", "1000"),
)
Row = tuple[str, ...]


@dataclass(frozen=True)
class Figures:
    """What was won: how many, how much, and both by group, as {group: (count, sum)}."""

    count: int
    amount: int
    by: Mapping[str, Mapping[str, tuple[int, int]]]


@dataclass(frozen=True)
class Pipeline:
    """The written files, how many rows each holds, and what a true dashboard shows for `FIRST` to `LAST`."""

    folder: Path
    rows: Mapping[str, int]
    without_account: int
    open_without_dates: int
    figures: Figures

    def file(self, name: str) -> Path:
        """The file of that name."""
        return self.folder / f"{name}.csv"


def write_pipeline(folder: Path, deals: int = 600) -> Pipeline:
    """Four files in `folder`: accounts (one bad row), products (one), people, `deals` opportunities and seven bad ones."""
    chance = random.Random(20161001)
    accounts = [*NAMES, *(f"Account {number}" for number in range(1, 25))]
    rows = {
        "accounts": _write(folder, "accounts", _account_header(), _accounts(accounts, chance)),
        "products": _write(
            folder,
            "products",
            ("product", "series", "sales_price"),
            [*((n, s, str(p)) for n, s, p in PRODUCTS), ("Gift", "X", "free")],
        ),
        "people": _write(
            folder,
            "people",
            ("sales_agent", "manager", "regional_office"),
            [(name, MANAGERS[i % 3], OFFICES[i % 3]) for i, name in enumerate(PEOPLE)],
        ),
        "opportunities": _write(
            folder, "opportunities", HEADER, _mixed([_deal(i, accounts, chance) for i in range(deals)])
        ),
    }
    good = [row for row in _read(folder, "opportunities") if row["opportunity_id"].startswith("OPP")]
    return Pipeline(
        folder,
        rows,
        sum(not row["account"] for row in good),
        sum(not row["engage_date"] for row in good),
        _figures(good, {row["sales_agent"]: row for row in _read(folder, "people")}),
    )


def _account_header() -> Row:
    return (
        "account", "sector", "year_established", "revenue", "employees", "office_location", "subsidiary_of",
    )  # fmt: skip


def _accounts(names: list[str], chance: random.Random) -> list[Row]:
    """Every fifth account belongs to the one after it, which stands further down in the file."""
    rows = [
        (
            name,
            SECTORS[number % 5],
            str(1980 + number),
            f"{chance.randint(1, 9000)}.{number:02}",
            str(chance.randint(5, 30_000)),
            "United States",
            names[number + 1] if number % 5 == 0 else "",
        )
        for number, name in enumerate(names)
    ]
    return [*rows, ("Orphan", "retail", "1999", "1", "1", "Kenya", "No Such Parent")]


def _deal(number: int, accounts: list[str], chance: random.Random) -> Row:
    product, _, price = PRODUCTS[number % len(PRODUCTS)]
    stage = chance.choices(("Won", "Lost", "Engaging", "Prospecting"), (48, 28, 18, 6))[0]
    begun = FIRST + timedelta(chance.randint(0, 300))
    closed = min(begun + timedelta(chance.randint(1, 150)), LAST)
    value = str(round(price * chance.uniform(0.6, 1.4))) if stage == "Won" else "0" if stage == "Lost" else ""
    ended = stage in ("Won", "Lost")
    return (
        f"OPP{number:05}",
        chance.choice(PEOPLE),
        "GTXPro" if product == "GTX Pro" else product,
        "" if chance.random() < (0.05 if ended else 0.6) else chance.choice(accounts),
        stage,
        "" if stage == "Prospecting" else begun.isoformat(),
        closed.isoformat() if ended else "",
        value,
    )


def _mixed(good: list[Row]) -> list[Row]:
    """The bad rows stand among the good ones, not at the end."""
    found = list(good)
    for number, bad in enumerate(BAD):
        found.insert(40 + number * 70, bad)
    return found


def _write(folder: Path, name: str, header: Row, rows: Iterable[Row]) -> int:
    kept = list(rows)
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *kept])
    return len(kept)


def _read(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _figures(rows: list[dict[str, str]], people: Mapping[str, Mapping[str, str]]) -> Figures:
    won = [row for row in rows if row["deal_stage"] == "Won"]
    won = [row for row in won if FIRST.isoformat() <= row["close_date"] <= LAST.isoformat()]
    groups = {
        "product": [row["product"].replace("GTXPro", "GTX Pro") for row in won],
        "manager": [people[row["sales_agent"]]["manager"] for row in won],
        "office": [people[row["sales_agent"]]["regional_office"] for row in won],
        "month": [row["close_date"][:7] for row in won],
    }
    values = [int(row["close_value"]) for row in won]
    return Figures(len(won), sum(values), {name: _grouped(keys, values) for name, keys in groups.items()})


def _grouped(keys: list[str], values: list[int]) -> dict[str, tuple[int, int]]:
    counts, sums = Counter(keys), Counter[str]()
    for key, value in zip(keys, values, strict=True):
        sums[key] += value
    return {key: (counts[key], sums[key]) for key in counts}
