"""Ask Dacheng as its most restricted role: a session for pages, a token for the API, ids it may see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.limit.records import Record
from benchmarks.product_data import Facts, as_definition, read_facts
from benchmarks.target import Prepared

HIDDEN_INPUT = re.compile(r'<input[^>]*type="hidden"[^>]*>')
ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
API = "/api/v1/apps/bench"
WANTED_IDS = 2000
UNSEEN = "tax_id"  # the role has no right to it


def prepare(base: str, folder: Path) -> Prepared:
    """Sign in, collect record ids the clerk may see, and map managers' numbers to ids."""
    facts = read_facts(folder)
    with httpx2.Client(base_url=base, timeout=60) as client:
        cookie = _sign_in(client, facts)
        token = {"Authorization": f"Bearer {facts.token}"}
        ids = [record["id"] for record in _walk(client, token, "customer", WANTED_IDS)]
        people = {p["code"]: p["id"] for p in _walk(client, token, "employee", 1000)}

    def body(record: Record) -> Record:
        made = as_definition(record)
        made["account_manager"] = people[made.pop("account_manager_id")]
        made.pop(UNSEEN)
        return made

    return Prepared({"session": {"Cookie": cookie}, "token": token}, ids, body)


def _sign_in(client: httpx2.Client, facts: Facts) -> str:
    page = client.get("/sign-in")
    hidden = [dict(ATTRIBUTE.findall(tag)) for tag in HIDDEN_INPUT.findall(page.text)]
    form = {field["name"]: field.get("value", "") for field in hidden}
    answer = client.post("/sign-in", data={**form, "email": facts.email, "password": facts.password})
    if answer.status_code >= 400 or not client.cookies:
        raise SystemExit(f"sign-in failed: {answer.status_code} {answer.text[:400]}")
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def _walk(client: httpx2.Client, headers: dict[str, str], entity: str, wanted: int) -> Iterator[Any]:
    """Records page by page until `wanted` are seen or there are no more."""
    cursor: str | None = None
    seen = 0
    while seen < wanted:
        query = {"limit": "100", **({"cursor": cursor} if cursor else {})}
        answer = client.get(f"{API}/{entity}", params=query, headers=headers)
        answer.raise_for_status()
        page = answer.json()
        yield from page["items"]
        seen += len(page["items"])
        cursor = page["next"]
        if not cursor:
            return
