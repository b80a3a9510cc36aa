"""Duplicates and merges over HTTP: told while typing, asked before saving, merged and taken back."""

from __future__ import annotations

from tests.security.conftest import API, Workspace, codes

PAGES = "/apps/sales_management/account"


def test_a_new_record_that_may_be_there_already_is_asked_about_once(workspace: Workspace) -> None:
    boss = workspace.browser("admin")
    first = boss.post(f"{PAGES}/new", data={"name": "华云科技有限公司", "_key": "d-1"})
    assert first.status_code == 303
    again = boss.post(f"{PAGES}/new", data={"name": "华云（北京）科技股份有限公司", "_key": "d-2"})
    assert again.status_code == 200
    assert first.headers["location"] in again.text
    assert "_despite" in again.text
    saved = boss.post(
        f"{PAGES}/new", data={"name": "华云（北京）科技股份有限公司", "_key": "d-2", "_despite": "1"}
    )
    assert saved.status_code == 303


def test_what_may_not_be_seen_is_told_as_disclosed_while_typing(workspace: Workspace) -> None:
    boss, rep = workspace.program("admin"), workspace.browser("rep")
    made = boss.post(f"{API}/account", json={"name": "Quiet Harbour Ltd", "owner": workspace.ids["other"]})
    ident = made.headers["location"].rsplit("/", 1)[1]
    seen = workspace.program("rep").get(made.headers["location"]).status_code == 200
    panel = rep.get(f"{PAGES}/duplicates", params={"name": "QUIET HARBOUR"})
    assert panel.status_code == 200
    assert (ident in panel.text) == seen
    assert "Other" in panel.text or seen
    assert rep.get(f"{PAGES}/duplicates", params={"name": "Nobody Else"}).text.strip() == ""


def test_the_api_looks_merges_and_takes_back(workspace: Workspace) -> None:
    boss = workspace.program("admin")
    places = [
        boss.post(f"{API}/account", json={"name": name, "employees": count}).headers["location"]
        for name, count in (("Acme", 1), ("Acme Holding Ltd", 2))
    ]
    keep, drop = (place.rsplit("/", 1)[1] for place in places)
    found = boss.post(f"{API}/account/duplicates", json={"values": {"name": "ACME Inc"}, "but": keep})
    assert found.json() == {"items": []}
    found = boss.post(f"{API}/account/duplicates", json={"values": {"name": "ACME Inc"}})
    assert [each["id"] for each in found.json()["items"]] == [keep]
    done = boss.post(f"{places[0]}/merge", json={"drop": drop, "take": ["employees"]})
    assert done.status_code == 200, done.text
    assert boss.get(places[0]).json()["employees"] == 2
    assert boss.get(places[1]).status_code == 404
    undone = boss.post(f"{API}/account/merges/{done.json()['id']}/undo")
    assert undone.status_code == 200, undone.text
    assert [boss.get(place).json()["employees"] for place in places] == [1, 2]
    refused = boss.post(f"{places[0]}/merge", json={"drop": keep})
    assert codes(refused) == ["merge.same"]
    assert workspace.program("rep").post(f"{places[0]}/merge", json={"drop": drop}).status_code in (403, 404)


def test_the_merge_page_compares_and_merges(workspace: Workspace) -> None:
    boss, program = workspace.browser("admin"), workspace.program("admin")
    places = [
        program.post(f"{API}/account", json={"name": name}).headers["location"]
        for name in ("Umbra", "Umbra Ltd")
    ]
    keep, drop = (place.rsplit("/", 1)[1] for place in places)
    assert f"{PAGES}/{keep}/merge" in boss.get(f"{PAGES}/{keep}").text
    chosen = boss.get(f"{PAGES}/{keep}/merge")
    assert f"with={drop}" in chosen.text
    compared = boss.get(f"{PAGES}/{keep}/merge", params={"with": drop})
    assert 'name="take.name"' in compared.text
    merged = boss.post(f"{PAGES}/{keep}/merge", data={"with": drop, "take.name": "1"})
    assert merged.status_code == 303
    assert program.get(places[0]).json()["name"] == "Umbra Ltd"
    shown = boss.get(merged.headers["location"])
    assert "/merges/" in shown.text


def test_a_unique_value_that_is_taken_is_no_question_but_leads_to_its_record(workspace: Workspace) -> None:
    boss, data = workspace.browser("admin"), {"name": "Only One of It"}
    first = boss.post(f"{PAGES}/new", data={**data, "_key": "u-1"}).headers["location"]
    panel = boss.get(f"{PAGES}/duplicates", params=data).text
    refused = boss.post(f"{PAGES}/new", data={**data, "_key": "u-2", "_despite": "1"})
    assert refused.status_code == 409
    for text in (panel, boss.post(f"{PAGES}/new", data={**data, "_key": "u-2"}).text, refused.text):
        assert f'href="{first}"' in text
        assert "客户名称不可重复" in text
        assert "_despite" not in text


def test_what_the_form_holds_is_not_offered_in_a_merge_and_a_refusal_names_it(workspace: Workspace) -> None:
    boss, program = workspace.browser("admin"), workspace.program("admin")
    places = [
        program.post(f"{API}/account", json={"name": name, **more}).headers["location"]
        for name, more in (("Held", {}), ("Held Ltd", {"journey_stage": "proposal", "employees": 7}))
    ]
    keep, drop = (place.rsplit("/", 1)[1] for place in places)
    compared = boss.get(f"{PAGES}/{keep}/merge", params={"with": drop}).text
    assert 'name="take.employees"' in compared
    assert "take.journey_stage" not in compared
    refused = boss.post(f"{PAGES}/{keep}/merge", data={"with": drop, "take.journey_stage": "1"})
    assert refused.status_code == 422
    assert "旅程阶段：此项当前不可修改。" in refused.text
    assert boss.post(f"{PAGES}/{keep}/merge", data={"with": drop, "take.employees": "1"}).status_code == 303
