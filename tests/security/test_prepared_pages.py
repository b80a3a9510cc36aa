"""T05: pages that are kept from one person to the next carry nothing of the one they were first drawn for."""

from __future__ import annotations

import re

from tests.security.conftest import API, Workspace

PLACE = "/apps/sales_management/account"


def test_t05_a_form_names_the_record_it_is_for_and_no_other(workspace: Workspace) -> None:
    """Two people of one role, each with an account of their own; the forms are drawn once for both."""
    made = {}
    for who in ("rep", "other"):
        answer = workspace.program(who).post(f"{API}/account", json={"name": f"Account of {who}"})
        assert answer.status_code == 201, answer.text
        made[who] = answer.json()["id"]
    forms = {who: workspace.browser(who).get(f"{PLACE}/{made[who]}/edit").text for who in made}
    own = {who: re.findall(r'data-own="([^"]*)"', page) for who, page in forms.items()}
    assert own == {who: [ident] for who, ident in made.items()}


def test_t05_pages_drawn_for_one_carry_nothing_to_another_of_the_same_role(workspace: Workspace) -> None:
    """What somebody looked for, kept, chose and owns: asked for page by page, then the same pages by a colleague."""
    word, own = "quokka7", "/apps/sales_management/opportunity"
    program, first, second = workspace.program("rep"), workspace.browser("rep"), workspace.browser("other")
    account = program.post(f"{API}/account", json={"name": "Plain"}).json()["id"]
    made = program.post(f"{API}/opportunity", json={"name": f"{word} deal", "account": account})
    assert made.status_code == 201, made.text
    ident = made.json()["id"]
    view = {"name": f"{word} view", "filter": {"==": [{"var": "name"}, f"{word} deal"]}}
    kept = program.post(f"{API}/opportunity/views", json=view).json()["id"]
    columns = {"columns": ["name", "amount"]}
    assert program.put(f"{API}/opportunity/views/{kept}/columns", json=columns).status_code == 204
    lists = ("", "?show-as=board&show-on=stage", "?group-by=stage", "?build=-columns", "?build=name")
    asked = [f"{own}{each}" for each in lists] + ["/", "/search", f"{own}/new", "/notifications", "/claims"]
    mine = [f"{own}?q={word}", f"{own}?name={word}&build=-columns", f"{own}?view={kept}", f"{own}/{ident}"]
    mine += [f"{own}/{ident}/edit", f"{own}/new?name={word}", f"/search?q={word}", f"{own}/{ident}/merge"]
    pages = [first.get(path) for path in (*mine, *asked)]
    assert [each.status_code for each in pages] == [200] * len(pages)
    assert sum(word in each.text for each in pages) > len(mine)
    theirs = {path: second.get(path) for path in asked}
    assert [each.status_code for each in theirs.values()] == [200] * len(asked)
    told = [
        path for path, each in theirs.items() if word in each.text or ident in each.text or kept in each.text
    ]
    assert told == []
    hidden = [
        f"{own}/{ident}{end}" for end in ("", "/edit", "/timeline", "/merge", "/row", "/cell?field=name")
    ]
    seen = [path for path in hidden if word in second.get(path).text]
    assert seen == []
