"""A million accounts, and how long lists, searches, boards and pages take over them.

    .venv/bin/python -m benchmarks.big_list fill --data var/big --rows 1000000
    .venv/bin/python -m benchmarks.big_list measure --data var/big

`fill` saves records through the services that pages and the API use, in batches; it goes on where it stopped.
`measure` asks over the application, without a network, as an administrator, as a sales representative and as somebody
who sees their own accounts alone, and writes the median and the slowest of each question in milliseconds of processor time (of this process, and of the
database's on PostgreSQL), which other work on the machine does not lengthen, and the median by the clock.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from dacheng.metadata.package import read_files, to_files
from dacheng.metadata.problem import Refused
from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, marketplace, tokens, users, write_record
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.services.users import NewUser
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.settings import load_settings
from dacheng.runtime.storage.connections import connect
from dacheng.runtime.web.app import build_app

ACCOUNT = "sales_management.account"
LIST = "/apps/sales_management/account"
API = "/api/v1/apps/sales_management/account"
PEOPLE = {
    "admin": "core.admin",
    "rep": "sales_management.sales_rep",
    "own": "sales_management.own_accounts",  # of all accounts nothing but one's own few
}
OWN = {"entities": {"account": {"read": {"==": [{"var": "owner"}, {"var": "$user.id"}]}}}}
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
        install_app.install(host, host.work(), _with_narrow_role(host), sample=False)
        for name, role in PEOPLE.items():
            host.refresh()
            users.add_user(
                host, host.work(), NewUser(f"{name}@example.com", name, (role,), "a long pass phrase")
            )
    host.refresh()
    return host


def _with_narrow_role(host: Host) -> Candidate:
    """Sales Management with one role more, whose rows are few."""
    files = dict(to_files(marketplace.offered_package(host, "sales_management").package))
    files["roles/own_accounts.json"] = json.dumps({"id": "own_accounts", **OWN}).encode()
    for locale in ("zh-CN", "en"):
        labels = json.loads(files[f"labels/{locale}.json"])
        labels["labels"]["role:own_accounts"] = "own_accounts"
        files[f"labels/{locale}.json"] = json.dumps(labels).encode()
    return Candidate(read_files(files, host.kinds))


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
        "owner": owners[(number % 2000 == 0) + 2 * (number % 2000 == 1)],
    }


def fill(host: Host, rows: int) -> None:
    """Bring the accounts up to `rows`."""
    field = host.model().catalogue.entities[ACCOUNT].fields["sector"]
    sectors = [option.id for option in field.options]
    owners = [_person(host, name) for name in PEOPLE]
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
    with TestClient(build_app(host)) as client:
        latest = {"limit": "1", "sort": "-created_at"}
        answer = client.get(API, params=latest, headers=headers_of(host, "admin"))
        items = answer.json()["items"]
    return int(items[0]["name"][-7:]) + 1 if items else 0


def _person(host: Host, name: str) -> str:
    return host.db.read_now(lambda reader: users.find_user(reader, f"{name}@example.com"))


def headers_of(host: Host, who: str) -> dict[str, str]:
    """With which one of the people asks from now on; those given before are no longer good."""
    person, work = _person(host, who), host.work()
    for each in host.db.read_now(lambda reader: tokens.list_tokens(reader, work, person)):
        tokens.revoke_token(host, work, person, each.id)
    token = tokens.create_token(host, work, person, "benchmark")
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
    yield "search 张", LIST, {"q": "张"}
    yield "search 张伟, API", API, {"q": "张伟", "sort": "name"}
    yield "board by sector", LIST, {"show-as": "board", "show-on": "sector"}


def deep(client: TestClient, headers: dict[str, str]) -> str:
    """The cursor of a page far behind: half the list is skipped by a condition, then one page is turned."""
    half = json.dumps({">": [{"var": "name"}, "罗"]})
    asked = {"limit": "100", "sort": "name", "filter": half}
    return str(client.get(API, params=asked, headers=headers).json()["next"] or "")


def measure(host: Host) -> list[dict[str, Any]]:
    """Median and slowest of each question for each person, in milliseconds of processor time, and the median by the clock."""
    found: list[dict[str, Any]] = []
    with TestClient(build_app(host)) as client:
        for who in PEOPLE:
            headers = headers_of(host, who)
            for name, address, params in questions(deep(client, headers)):
                if name.startswith("next page") and not params["cursor"]:
                    continue
                asked = partial(client.get, address, params=params)
                found.append({"who": who, "what": name, **_taken(host, who, asked)})
                print(_line(found[-1]), flush=True)
    return found


def _taken(host: Host, who: str, asked: Callable[..., Response]) -> dict[str, float]:
    """What one question costs: this process and, on PostgreSQL, the sessions that answer it.

    A token made before each time is something saved since: no answer is one that was kept.
    """
    server = SessionTime(host)
    cost, clock = [], []
    for _ in range(ROUNDS):
        headers = headers_of(host, who)
        before, began = server.milliseconds(), time.perf_counter()
        own = time.process_time()
        answer = asked(headers=headers)
        own = (time.process_time() - own) * 1000
        clock.append((time.perf_counter() - began) * 1000)
        cost.append(own + server.milliseconds() - before)
        assert answer.status_code == 200, (answer.url, answer.status_code, answer.text[:300])
    server.close()
    return {"median": statistics.median(cost), "slowest": max(cost), "clock": statistics.median(clock)}


def _line(row: dict[str, Any]) -> str:
    figures = "".join(f"{row[name]:8.1f} ms" for name in ("median", "slowest", "clock"))
    return f"{row['who']:6} {row['what']:24}{figures}"


class SessionTime:
    """Processor time of the database's sessions; none on SQLite, which answers within this process."""

    def __init__(self, host: Host) -> None:
        self._link = None if host.settings.embedded else connect(host.db.options, writing=False)

    def milliseconds(self) -> float:
        """Since the sessions began; sessions on another machine count for nothing."""
        if self._link is None:
            return 0.0
        asked = (
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        times = [Path(f"/proc/{pid}/schedstat") for (pid,) in self._link.driver.execute(asked).fetchall()]
        return sum(int(each.read_text().split()[0]) for each in times if each.exists()) / 1e6

    def close(self) -> None:
        """End the session that asks."""
        if self._link is not None:
            self._link.close()


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
