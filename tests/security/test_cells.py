"""T07, T09, T12 in a list's cell: only what one may write is offered and saved, from the version that was shown."""

from __future__ import annotations

from tests.security.conftest import API, Workspace

PLACE = "/apps/sales_management/account"


def test_t07_a_hidden_field_in_a_cell_answers_like_a_misspelt_name(workspace: Workspace) -> None:
    account, page = workspace.some("account"), workspace.browser("rep")
    before = workspace.checksum()
    cell = f"{PLACE}/{account['id']}/cell"
    name = "revenue"  # hidden from sales reps
    shown, asked = page.get(cell, params={"field": name}), page.get(cell, params={"field": "rvn"})
    saved, tried = (
        page.post(cell, data={"field": each, "value": "1", "version": str(account["version"])})
        for each in (name, "rvn")
    )
    answers = (shown, asked, saved, tried)
    texts = [each.text.replace(name, "rvn").replace(each.headers["x-request-id"], "…") for each in answers]
    assert [each.status_code for each in answers] == [422] * 4
    assert texts[0] == texts[1]
    assert texts[2] == texts[3]
    assert workspace.checksum() == before


def test_a_cell_is_saved_from_the_version_that_was_shown_and_the_undo_is_the_saves_own(
    workspace: Workspace,
) -> None:
    account, page = workspace.some("account"), workspace.browser("admin")
    cell = f"{PLACE}/{account['id']}/cell"
    form = page.get(cell, params={"field": "employees"}).text
    assert f'name="version" value="{account["version"]}"' in form
    sent = {"field": "employees", "value": "77", "version": str(account["version"])}
    done = page.post(cell, data=sent, headers={"accept": "application/json"})
    assert done.status_code == 200, done.text
    stale = page.post(cell, data={**sent, "value": "78"}, headers={"accept": "application/json"})
    assert stale.status_code == 409
    assert stale.json()["reason"]
    program = workspace.program("admin")
    assert program.get(f"{API}/account/{account['id']}").json()["employees"] == 77
    again = page.post(cell, data={**sent, "version": str(done.json()["version"])})
    assert again.json()["undo"] == ""  # nothing changed: nothing to take back
    assert page.post(done.json()["undo"]).status_code == 303
    found = program.get(f"{API}/account/{account['id']}").json()
    assert found["employees"] == account["employees"]


def test_t09_the_cell_of_a_record_of_others_is_not_there(workspace: Workspace) -> None:
    theirs, rep = workspace.some("opportunity"), workspace.browser("rep")
    for ident in (theirs["id"], workspace.ids["admin"]):
        cell = f"/apps/sales_management/opportunity/{ident}/cell"
        assert rep.get(cell, params={"field": "name"}).status_code == 404
        data = {"field": "name", "value": "mine", "version": "1"}
        assert rep.post(cell, data=data).status_code == 404
