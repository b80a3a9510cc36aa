"""A million accounts, and how long lists, searches, boards and pages take over them.

    .venv/bin/python -m benchmarks.big_list fill --data var/big --rows 1000000
    .venv/bin/python -m benchmarks.big_list measure --data var/big

`fill` saves records through the services that pages and the API use, in batches; it goes on where it stopped.
`measure` asks over the application, without a network, as an administrator and as a sales representative, and
writes the median and the slowest of each question in milliseconds of processor time, which other work on the
machine does not lengthen.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from dacheng.metadata.problem import Refused
from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, marketplace, tokens, users, write_record
from dacheng.runtime.services.users import NewUser
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.settings import load_settings
from dacheng.runtime.web.app import build_app

ACCOUNT = "sales_management.account"
LIST = "/apps/sales_management/account"
API = "/api/v1/apps/sales_management/account"
PEOPLE = {"admin": "core.admin", "rep": "sales_management.sales_rep"}
BATCH = 1000
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = (
    "伟",
    "芳",
    "娜",
    "敏",
    "静",
    "磊",
    "洋",
    "艳",
    "勇",
    "军",
    "杰",
    "涛",
    "明",
    "超",
    "秀兰",
    "霞",
    "平",
    "刚",
    "桂英",
    "玲",
)
TRADES = ("贸易", "科技", "餐饮", "建材", "物流", "客户服务", "教育", "医疗", "能源", "零售")
CITIES = ("上海", "北京", "广州", "深圳", "成都", "杭州", "重庆", "武汉", "西安", "苏州")
ROUNDS = 7


def opened(folder: Path, database: str) -> Host:
    """The workspace with Sales Management, made on the first go."""
    host = Host.open(load_settings({"data": folder, "database": database}, {}), plugins={})
    if "core" not in host.model().catalogue.apps:
        install_app.install_core(host)
    host.refresh()
    if "sales_management" not in host.model().catalogue.apps:
        package = marketplace.offered_package(host, "sales_management")
        install_app.install(host, host.work(), package, sample=False)
        for name, role in PEOPLE.items():
            host.refresh()
            users.add_user(
                host, host.work(), NewUser(f"{name}@example.com", name, (role,), "a long pass phrase")
            )
    host.refresh()
    return host


def values(number: int, owners: list[str], sectors: list[str]) -> dict[str, Any]:
    """One account, the same for the same number; most belong to nobody in particular."""
    chance = random.Random(number)
    name = chance.choice(SURNAMES) + chance.choice(GIVEN) + chance.choice(TRADES)
    return {
        "name": f"{name}{number:07d}",
        "sector": chance.choice(sectors),
        "office_location": chance.choice(CITIES),
        "employees": chance.randrange(5, 20_000),
        "revenue": {"amount": str(chance.randrange(10, 100_000)), "currency": "CNY"},
        "owner": owners[0] if number % 2000 else owners[1],
    }


def fill(host: Host, rows: int) -> None:
    """Bring the accounts up to `rows`."""
    field = host.model().catalogue.entities[ACCOUNT].fields["sector"]
    sectors = [option.id for option in field.options]
    owners = [_person(host, "admin"), _person(host, "rep")]
    begun, started = _count(host), time.monotonic()
    for start in range(begun, rows, BATCH):
        work = host.work()
        writes = [
            Write("create", ACCOUNT, values=values(n, owners, sectors), rules=False)
            for n in range(start, min(start + BATCH, rows))
        ]
        found = host.db.read_now(lambda reader, w=work, ws=writes: write_record.prepare_many(reader, w, ws))  # type: ignore[misc]
        ready = [each for each in found if not isinstance(each, Refused)]
        host.db.write_now(lambda tx, w=work, r=ready: write_record.commit_many(tx, w, r))  # type: ignore[misc]
        if start % (BATCH * 20) == 0:
            rate = (start + BATCH - begun) / (time.monotonic() - started)
            print(f"{start + len(ready):,} accounts, {rate:,.0f} a second", flush=True)


def _count(host: Host) -> int:
    client = TestClient(build_app(host))
    token = tokens.create_token(host, host.work(), _person(host, "admin"), "benchmark")
    with client:
        answer = client.get(API, params={"limit": 1, "sort": "-created_at"}, headers=_bearer(token))
        items = answer.json()["items"]
    return int(items[0]["name"][-7:]) + 1 if items else 0


def _person(host: Host, name: str) -> str:
    return host.db.read_now(lambda reader: users.find_user(reader, f"{name}@example.com"))


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def questions(deep: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(name, address, parameters) of everything measured."""
    retail = json.dumps({"==": [{"var": "sector"}, "retail"]})
    both = json.dumps({"and": [json.loads(retail), {">=": [{"var": "employees"}, 10_000]}]})
    yield "list", LIST, {}
    yield "list, filter", LIST, {"filter": retail}
    yield "list, two conditions", LIST, {"filter": both}
    yield "list, latest first", LIST, {"sort": "-updated_at"}
    yield "list, filter and sort", LIST, {"filter": retail, "sort": "-name"}
    yield "next page, deep", API, {"limit": "50", "sort": "name", "cursor": deep}
    yield "search 张伟", LIST, {"q": "张伟"}
    yield "search 客户", LIST, {"q": "客户"}
    yield "search 张伟, API", API, {"q": "张伟", "sort": "name"}
    yield "board by sector", LIST, {"show-as": "board", "show-on": "sector"}


def _deep(client: TestClient, headers: dict[str, str]) -> str:
    """The cursor of a page far behind: half the list is skipped by a condition, then one page is turned."""
    half = json.dumps({">": [{"var": "name"}, "罗"]})
    asked = {"limit": "500", "sort": "name", "filter": half}
    return str(client.get(API, params=asked, headers=headers).json()["next"] or "")


def measure(host: Host) -> list[dict[str, Any]]:
    """Median and slowest of each question for each person, in milliseconds."""
    found: list[dict[str, Any]] = []
    with TestClient(build_app(host)) as client:
        for who in PEOPLE:
            headers = _bearer(tokens.create_token(host, host.work(), _person(host, who), "benchmark"))
            for name, address, params in questions(_deep(client, headers)):
                if name.startswith("next page") and not params["cursor"]:
                    continue
                taken = []
                for _ in range(ROUNDS):
                    began = time.process_time()
                    answer = client.get(address, params=params, headers=headers)
                    taken.append((time.process_time() - began) * 1000)
                    assert answer.status_code == 200, (name, answer.status_code, answer.text[:300])
                row = {"who": who, "what": name, "median": statistics.median(taken), "slowest": max(taken)}
                found.append(row)
                print(f"{who:6} {name:24} {row['median']:8.1f} ms {row['slowest']:8.1f} ms", flush=True)
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("step", choices=("fill", "measure"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--database", default="")
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args()
    host = opened(asked.data, asked.database)
    try:
        if asked.step == "fill":
            fill(host, asked.rows)
        else:
            measure(host)
    finally:
        host.close()


if __name__ == "__main__":
    main()
