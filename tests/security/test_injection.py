"""T01, T03: nothing a request says becomes SQL, a name or a fault."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from dacheng.metadata.package import read_files, to_files
from dacheng.metadata.problem import Refused
from dacheng.runtime.services import install_app, marketplace
from dacheng.runtime.services.install_app import Candidate
from tests.security import test_access as access
from tests.security.conftest import API, Workspace

PAYLOADS = [
    "'", '"', "';--", "' OR 1=1--", "1;DROP TABLE core_user", "name; select", "name,(select 1)", "(select password from _credential)",
    "name)--", "name desc", "-name;--", "--name", "-", ",", ",,", "name,name,name", "id::text", "`name`", "[name]", "name\\", "\x00",
    "a\x00b", "%00", "\n", "\r\nX: y", "\u2028", "\ud7ff", "\ufeff", "\u202eevil", "é" * 300, "a" * 5000, "(" * 3000, "[" * 3000, "{" * 3000,
    "null", "true", "-1", "0", "1e999", "NaN", "Infinity", "99999999999999999999", "1.5", "0x10", "١٢", "[]", "{}", "[[]]", '"x"',
    '{"==":[{"var":"name"},"x"]}', '{"==":[{"var":"revenue"},1]}', '{"==":[{"var":"__class__"},1]}', '{"var":""}', '{"var":[]}',
    '{"==":[{"var":"name"},{"var":"name"},1]}', '{"in":[{"var":"name"},["a","b\'"]]}', '{"contains":[{"var":"name"},"%"]}',
    '{"starts_with":[{"var":"name"},"_"]}', '{"sql":["1"]}', '{"and":[]}', '{"or":[]}', '{"!":[]}', '{"+":[1,{"var":"name"}]}',
    '{"==":[{"var":"owner.owner.owner.owner.name"},"x"]}', '{"==":[{"date":"2026-99-99"},{"date":"x"}]}', '{"==":[1,1],"!=":[1,2]}',
    '{"a":1,"a":2}', '{"==":[{"var":"employees"},1e400]}', '{"==":[{"var":"employees"},123456789012345678901234567890]}',
    '{"\\ud800":1}', '{"==":[{"var":"name"},"\\ud800"]}', '{"==":[{"var":"name"},"\\u0000"]}', "eyJ9", "AAAA", "%%%", "../../etc/passwd",
    "{{7*7}}", "${7*7}", "<script>alert(1)</script>", "${jndi:x}", "{'a':1}", "__proto__", "constructor",
]  # fmt: skip
LIST_PARAMETERS = [
    "filter",
    "sort",
    "limit",
    "cursor",
    "fields",
    "q",
    "count",
    "deleted",
    "name",
    "employees",
    "owner",
    "nothing",
]
ADDRESSES = {
    f"{API}/account": LIST_PARAMETERS,
    f"{API}/account/pick-list": ["q", "limit", "x"],
    "/api/v1/search": ["q", "x"],
    "/api/v1/measures/sales_management/won_count": ["dimension", "filter", "from", "to", "limit"],
    "/apps/sales_management/account": ["view", "filter", "sort", "q", "cursor", "by", "op", "name", "build"],
    "/apps/sales_management/account/export.csv": ["view", "filter", "sort", "q", "name"],
    "/apps/sales_management/account/export.xlsx": ["view", "filter", "sort", "q", "export-of"],
    "/apps/sales_management/account/new": ["name", "owner", "x"],
    "/search": ["q"],
    "/labels": ["app", "locale", "q", "kind", "state"],
    "/sign-in": ["next"],
    "/reset": ["token"],
    "/import": ["entity"],
}  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_t01_no_query_parameter_brings_a_fault(workspace: Workspace, address: str) -> None:
    client = workspace.program("admin") if address.startswith("/api") else workspace.browser("admin")
    before = workspace.checksum()
    faults = []
    for name in ADDRESSES[address]:
        for payload in PAYLOADS if address == f"{API}/account" else PAYLOADS[::3]:
            text = quote(payload.encode("utf-8", "surrogatepass"))
            answer = client.get(f"{address}?{name}={text}")
            if answer.status_code >= 500 or (answer.status_code >= 400 and "Traceback" in answer.text):
                faults.append((name, payload[:40], answer.status_code))
    assert faults == []
    assert workspace.checksum() == before


def test_t01_parameters_that_are_repeated_or_unknown_are_refused(workspace: Workspace) -> None:
    client = workspace.program("rep")
    for query in (
        "limit=1&limit=2",
        "colour=red",
        "limit[]=1",
        "revenue=1",
        "revenue=",
        "sort=name&sort=-name",
    ):
        assert client.get(f"{API}/account?{query}").status_code == 400, query


@pytest.mark.parametrize(
    "body", [b"NaN", b"[1e999]", b'{"a":1,"a":2}', b"[" * 5000, b"\xff\xfe", b"", b"[]", b"1", b"null"]
)
def test_t01_a_body_that_is_no_good_json_object_is_refused(workspace: Workspace, body: bytes) -> None:
    client = workspace.program("admin")
    headers = {"content-type": "application/json"}
    for address in (f"{API}/account", "/api/v1/try/expression"):
        answer = client.post(address, content=body, headers=headers)
        assert 400 <= answer.status_code < 500, (address, answer.text)
        assert answer.json()["problems"][0]["message"]


NAMES = [
    "'; drop--",
    "select",
    "__class__",
    "a" * 300,
    "\u202eabc",
    "a\x00b",
    "A",
    "1a",
    "a b",
    "a-b",
    "客户",
    "",
    ".",
    "..",
    "a.b",
]


@pytest.mark.parametrize("name", NAMES)
def test_t03_a_name_from_outside_reaches_no_schema(workspace: Workspace, name: str) -> None:
    before = workspace.checksum()
    client = workspace.program("admin")
    for address in (f"{API}/{quote(name)}", f"/api/v1/apps/{quote(name)}/account", f"/apps/{quote(name)}/x"):
        assert client.get(address).status_code in {303, 401, 404}, address
    assert workspace.checksum() == before


@pytest.mark.parametrize("name", [name for name in NAMES if name != "select"])
def test_t03_a_package_cannot_bring_a_hostile_entity_name(workspace: Workspace, name: str) -> None:
    host = workspace.host
    package = marketplace.offered_package(host, "sales_management").package
    files = dict(to_files(package))
    entity = json.loads(files["entities/product.json"])
    files["entities/product.json"] = json.dumps({**entity, "id": name}).encode()
    before = workspace.checksum()
    assert refused(workspace, files)
    assert workspace.checksum() == before


def refused(workspace: Workspace, files: dict[str, Any]) -> bool:
    try:
        candidate = Candidate(read_files(files, workspace.host.kinds))
    except Refused:
        return True
    return bool(install_app.plan_install(workspace.host, candidate).problems)


# ---------------------------------------------------------------- every route, from the table of routes
READ = [path for (path, method) in access.ROUTES if method == "GET" and ":path}" not in path]
NAMES_TRIED = (
    *("filter", "sort", "limit", "cursor", "fields", "q", "view", "next", "token", "job", "app", "locale"),
    *("dimension", "from", "to", "period", "deleted", "count", "entity", "id", "name"),
)


def test_t01_every_route_that_reads_takes_any_query_without_a_fault(workspace: Workspace) -> None:
    """Every GET of the table of routes, every parameter name known anywhere, payloads in turn: 2,000 and more."""
    page, program = workspace.browser("admin"), workspace.program("admin")
    before = workspace.checksum()
    tried, faults = 0, []
    for path in READ:
        client, place = (program if path.startswith("/api") else page), access.address(path, workspace)
        for name in NAMES_TRIED:
            for payload in (PAYLOADS[tried % len(PAYLOADS)], PAYLOADS[(7 * tried + 3) % len(PAYLOADS)]):
                tried += 1
                text = quote(payload.encode("utf-8", "surrogatepass"))
                answer = client.get(f"{place}?{name}={text}")
                if answer.status_code >= 500 or "Traceback" in answer.text:
                    faults.append((path, name, payload[:40], answer.status_code))
    assert faults == []
    assert tried >= 2_000
    assert workspace.checksum() == before
