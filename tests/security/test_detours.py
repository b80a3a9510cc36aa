"""Ways around the rules that were open once: a crooked header, an import without rules, a name in a pointer."""

from __future__ import annotations

import pytest

from tests.security.conftest import API, Workspace

CROOKED = [
    "http://[",
    "http://[::1",
    "//",
    "http://a]b",
    "http://[x]",
    "\xff",
    "http:///",
    "null",
    "a" * 5000,
]


@pytest.mark.parametrize("origin", CROOKED)
def test_t30_a_crooked_origin_is_another_site_and_no_fault(workspace: Workspace, origin: str) -> None:
    client = workspace.nobody()
    answer = client.post("/sign-in", data={"email": "x"}, headers={b"origin": origin.encode("latin-1")})
    assert answer.status_code == 403
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("name", ["a/b", "a~1b", "a~b", "<b>/~0", "/"])
def test_a_pointer_names_what_was_sent_and_nothing_else(workspace: Workspace, name: str) -> None:
    program = workspace.program("admin")
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    for place, body in (
        (f"{API}/account", {"name": "x", name: 1}),
        ("/api/v1/try/expression", {"expression": 1, name: 1}),
        ("/api/v1/try/expression", {"expression": 1, "record": {name: 1e300}, "types": {name: "nothing"}}),
    ):
        answer = program.post(place, json=body)
        assert answer.status_code in (400, 422)
        assert answer.json()["problems"][0]["pointer"] in (pointer, f"/record{pointer}"), place


def test_t13_an_import_does_not_pass_by_the_rules_of_an_app(workspace: Workspace) -> None:
    """Switching rules off, like times and people of the past, is for administrators."""
    page, file = workspace.browser("rep"), {"file": ("x.csv", b"name\nBy import\n", "text/csv")}
    place = page.post("/import", data={"entity": "sales_management.account"}, files=file).headers["location"]
    assert 'name="rules"' in page.get(place).text
    ways: list[dict[str, str]] = [{}, {"historic": "1", "rules": "1"}]
    for sent in ways:
        answer = page.post(place, data={"column.name": "name", "action": "run", **sent})
        assert answer.status_code == 403, sent
    assert page.post(place, data={"column.name": "name", "action": "run", "rules": "1"}).status_code == 303
