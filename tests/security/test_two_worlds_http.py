"""T04–T06 over HTTP: no page, file or API answer that a role can get tells two worlds apart by what it may not see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from dacheng.runtime.web.security import Rates
from tests.security.shop_host import World, open_world
from tests.security.two_worlds import BUYER, ITEM, LINE, ORDER, ROLE, requests

ENTITIES = (BUYER, ORDER, ITEM, LINE, "core.user", "core.department")
HIDDEN = {"credit", "bonus", "phone", "email", "misspelt"}
UNKNOWN = "/api/v1/apps/core/department"
MEASURES = ("paid_total", "paid_count", "advisers", "average_discount")
WORDS = ("Acme", "O", "1", "secret", "86", "Lamp", "1500", "O-1", "O-2")
# what differs between any two answers: the number of the request, that of the form, the moment
NUMBERS = re.compile(rb'urn:request:[0-9a-f]{16}|name="_key" value="[0-9a-f-]{36}"|"now":"[0-9T:.-]+Z"')


@dataclass(frozen=True)
class Answer:
    """What one browser got, but for the number of the request."""

    status: int
    body: bytes
    headers: tuple[str, ...]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def worlds(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, World]]:
    """Two workspaces on the same back end; the tests only read, and more than anybody may in a minute."""
    opened = []
    for secret in (1, 2):
        folder = tmp_path_factory.mktemp("world")
        sqlite = request.param == "sqlite"
        url = "" if sqlite else request.getfixturevalue("postgres_server").new_database()
        opened.append(open_world(folder, url, secret))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rates, "over", lambda *_: False)
        yield opened[0], opened[1]
    for each in opened:
        each.host.close()


def test_t04_every_request_of_a_role_is_answered_alike_in_both_worlds(worlds: tuple[World, World]) -> None:
    sqlite = worlds[0].host.settings.embedded
    addresses = asked(worlds[0])[:: 1 if sqlite else 2]
    assert len(addresses) > 450
    first, second = answers(worlds, ROLE, addresses)
    different = [each for each in addresses if first[each] != second[each]]
    assert different == []
    assert max(each.status for each in first.values()) < 500
    own = [each.status for address, each in first.items() if "/shop" in address]
    assert sum(status == 200 for status in own) > len(own) / 2


def test_t04_the_worlds_differ_where_they_may_be_seen(worlds: tuple[World, World]) -> None:
    meant = {
        "/api/v1/apps/shop/buyer", "/apps/shop/buyer", "/apps/shop/buyer/export.csv", "/apps/shop/order/export.csv",
        "/api/v1/measures/shop/paid_total", "/apps/shop/dashboards/sales", "/api/v1/search?q=O-1",
    }  # fmt: skip
    histories = [each for each in asked(worlds[0]) if "/buyer/" in each and each.endswith("/history")]
    first, second = answers(worlds, "kim", [*meant, *histories])
    different = {each for each in first if first[each] != second[each]}
    assert meant <= different
    assert different & set(histories)


def test_t05_what_an_administrator_asked_before_leaves_nothing_for_a_clerk(
    worlds: tuple[World, World],
) -> None:
    addresses = [each for each in asked(worlds[0]) if "filter=" not in each][::8]
    before, _ = answers(worlds, ROLE, addresses)
    answers(worlds, "kim", addresses)
    first, second = answers(worlds, ROLE, addresses)
    assert [each for each in addresses if first[each] != second[each] or first[each] != before[each]] == []


def test_t04_what_a_form_asks_for_while_it_is_filled_in_is_answered_alike(
    worlds: tuple[World, World],
) -> None:
    asks = [each.removesuffix("/edit") for each in _records(worlds[0]) if each.endswith("/edit")]
    buyers = [each.rsplit("/", 1)[1] for each in asks if "/shop/buyer/" in each]
    orders = [f"{each}/edit" for each in asks if "/shop/order/" in each]
    sends = [(f"{each}{end}", {"_add": "lines"}) for each in orders for end in ("", "/follow")]
    sends += [("/apps/shop/order/new/follow", {"buyer": each}) for each in (*buyers, "0" * 36)]
    told = []
    with ExitStack() as stack:
        for world in worlds:
            client = stack.enter_context(world.browser(ROLE))
            told.append([(client.post(address, data=data)) for address, data in sends])
    plain = [[(each.status_code, NUMBERS.sub(b"", each.content)) for each in one] for one in told]
    assert plain[0] == plain[1]
    assert {200, 404} == {each.status_code for each in told[0]}
    brought = [each.json()["computed"] for each in told[0][-len(buyers) - 1 :]]
    assert any(each["buyer_level"] for each in brought)
    assert not any("buyer_credit" in each for each in brought)
    assert not any(brought[-1].values())


def answers(worlds: tuple[World, World], who: str, addresses: list[str]) -> list[dict[str, Answer]]:
    """What one person gets at each address, in each world."""
    found = []
    with ExitStack() as stack:
        for world in worlds:
            client = stack.enter_context(world.browser(who))
            found.append({each: _answer(client, each) for each in addresses})
    return found


def _answer(client: TestClient, address: str) -> Answer:
    answer = client.get(address)
    kept = ("content-type", "etag", "location", "content-disposition")
    headers = tuple(answer.headers.get(name, "") for name in kept)
    return Answer(answer.status_code, NUMBERS.sub(b"", answer.content), headers)


# ---------------------------------------------------------------- what is asked
def asked(world: World) -> list[str]:
    """Every address: the service tests' requests as addresses, and what pages, files and figures add."""
    found = dict.fromkeys([*_api(world), *_pages(world), *_records(world), *_figures()])
    return list(found)


def _api(world: World) -> Iterator[str]:
    """Fields and sorts all, filters by sample: the tests of the services try every one."""
    paths = [each.path for each in requests(world.shop) if each.path]
    filters = [each for each in paths if "filter=" in each]
    plain = [each for each in paths if "filter=" not in each]
    yield from plain[::2]
    filters = [each for each in filters if not each.startswith(UNKNOWN)]
    hidden = [each for each in filters if any(f"%22{name}%22" in each for name in HIDDEN)]
    yield from hidden[::9]
    yield from [each for each in filters if each not in set(hidden)][::5]
    for name in ENTITIES:
        base = f"/api/v1/apps/{name.replace('.', '/')}"
        yield from (f"{base}{end}" for end in ("?count=true", "?deleted=true", "/pick-list", "?limit=1"))
        yield from (f"{base}?q={word}&count=true" for word in WORDS)
        yield from (f"{base}/pick-list?q={word}" for word in WORDS[::2])
    yield from ("/api/v1/openapi.json", "/api/v1/me", *(f"/api/v1/search?q={word}" for word in WORDS))


def _pages(world: World) -> Iterator[str]:
    entities = world.shop.model.catalogue.entities
    fields = {name: [n for n, each in entities[name].fields.items() if not each.system] for name in ENTITIES}
    for name in ENTITIES:
        base = f"/apps/{name.replace('.', '/')}"
        yield from (base, f"{base}/new", f"{base}/export.csv", f"{base}/export.xlsx", f"{base}/export.json")
        for field in (*fields[name], "misspelt"):
            condition = quote(f'{{"is_set":[{{"var":"{field}"}}]}}')
            ways = [f"{base}?sort={field}", f"{base}?by={field}&op=is_set", f"{base}?filter={condition}"]
            ways += [
                f"{base}/export.csv?sort=-{field}",
                f"{base}/pick?field={field}",
                f"{base}/new?{field}=1",
            ]
            yield from ways if field in HIDDEN or name in (BUYER, ORDER) else ways[:2]
    for name, word in product((BUYER, ORDER, "core.user"), WORDS):
        yield from (f"/apps/{name.replace('.', '/')}{end}?q={word}" for end in ("", "/export.csv"))
    yield from ("/apps/shop/order?view=unpaid", "/apps/shop/order?view=orders", "/", "/import")
    yield from (f"/search?q={word}" for word in WORDS)


def _records(world: World) -> Iterator[str]:
    shop = world.shop
    everything = shop.read(
        lambda reader: [
            (name, row[0])
            for name in ENTITIES
            for row in reader.rows(sa.select(shop.model.tables.entity(name).table.c.id))
        ]
    )
    for name, record in everything:
        base = f"{name.replace('.', '/')}/{record}"
        yield from (f"/apps/{base}", f"/apps/{base}/edit", f"/apps/{base}/timeline")
        company = ("/timeline", "/timeline?kind=rule", "/comments", "/collaborators")
        yield from (f"/api/v1/apps/{base}{end}" for end in ("", "/history", "/rules", *company))
    yield from ("/notifications", "/api/v1/me/notifications", "/recycle-bin")


def _figures() -> Iterator[str]:
    for name, dimension in product(MEASURES, ("", "adviser", "buyer", "level", "month", "bonus", "misspelt")):
        yield f"/api/v1/measures/shop/{name}" + (f"?dimension={dimension}" if dimension else "")
    for period in ("", "?from=2026-01-01&to=2026-12-31", "?adviser=x", "?period=year"):
        yield f"/apps/shop/dashboards/sales{period}"
