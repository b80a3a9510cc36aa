"""One real plugin, end to end, on both databases: everything it adds is used as people and programs use it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dacheng.metadata.package import read_folder
from dacheng.runtime.services import doctor, install_app, marketplace
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.services.plugin_access import PluginAccess
from tests.plugins.opened import Opened, codes, opened
from tests.plugins.ratings import plugin as ratings

VISITS = "/api/v1/apps/ratings/visit"
X = "/api/v1/x/ratings"


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Opened]:
    """The plugin's package installed by plan; ada administers, vera and viktor visit."""
    with opened(tmp_path / "data", {"ratings": ratings}, database_url) as made:
        made.install("ratings")
        made.person("ada", "core.admin")
        for name in ("vera", "viktor"):
            made.person(name, "ratings.visitor")
        yield made


def create(site: Opened, who: str, **values: Any) -> str:
    answer = site.program(who).post(VISITS, json=values)
    assert answer.status_code == 201, answer.text
    identity: str = answer.json()["id"]
    return identity


def test_the_package_is_on_offer_and_its_kinds_are_known(tmp_path: Path) -> None:
    with opened(tmp_path, {"ratings": ratings}) as site:
        host = site.host
        assert {"stars"} <= set(host.kinds.fields)
        assert host.kinds.owners["widgets.gauge"] == "ratings"
        offer = next(each for each in marketplace.list_apps(host) if each.app == "ratings")
        assert (offer.version, offer.installed, offer.name("en")) == ("1.0.0", "", "Ratings")
        plan = install_app.plan_install(host, marketplace.offered_package(host, "ratings"))
        assert (plan.problems, [change.entity for change in plan.changes]) == ((), ["ratings.visit"])
        assert plan.permissions == {"ratings.visit": ["read", "update"]}


def test_the_field_kind_lives_in_api_and_pages(site: Opened) -> None:
    first = create(site, "vera", title="Harbour", stars=3)
    create(site, "vera", title="Museum", stars=4)
    refused = site.program("vera").post(VISITS, json={"title": "Zoo", "stars": 6})
    assert (refused.status_code, codes(refused)) == (422, ["plugin.says"])
    program = site.program("vera")
    found = program.get(VISITS, params={"filter": json.dumps({">=": [{"var": "stars"}, 4]})}).json()["items"]
    assert [each["title"] for each in found] == ["Museum"]
    items = program.get(VISITS, params={"sort": "-stars", "fields": "title,stars"}).json()["items"]
    assert items == [{"title": "Museum", "stars": 4}, {"title": "Harbour", "stars": 3}]
    browser = site.browser("vera")
    listed = browser.get("/apps/ratings/visit").text
    assert listed.index("Museum") < listed.index("Harbour")
    assert 'name="stars"' in browser.get("/apps/ratings/visit/new").text
    assert 'value="3"' in browser.get(f"/apps/ratings/visit/{first}/edit").text


def test_the_rule_action_fires_and_says_why(site: Opened) -> None:
    visit = create(site, "vera", title="Harbour", stars=3)
    program = site.program("vera")
    assert program.get(f"{VISITS}/{visit}").json()["rounded"] == 4
    (why,) = program.get(f"{VISITS}/{visit}/rules").json()["items"]
    assert why["rule"].endswith("round")


def test_before_write_refuses(site: Opened) -> None:
    answer = site.program("vera").post(VISITS, json={"title": "Harbour", "stars": 5})
    (problem,) = answer.json()["problems"]
    assert (answer.status_code, problem["pointer"]) == (422, "/note")
    assert problem["message"] == "Five stars need a word about them."
    chinese = site.program("vera").post(
        VISITS, json={"title": "港口", "stars": 5}, headers={"accept-language": "zh-CN"}
    )
    assert chinese.json()["problems"][0]["message"] in ("五颗星请写明理由。", problem["message"])
    create(site, "vera", title="Harbour", stars=5, note="The light.")


def test_the_projection_is_rebuilt_by_its_route_and_read_by_its_index(site: Opened) -> None:
    for stars in (2, 4, 3):
        create(site, "vera", title=f"V{stars}", stars=stars)
    assert codes(site.program("vera").post(f"{X}/rebuild", json={})) == ["access.not_permitted"]
    assert site.program("ada").post(f"{X}/rebuild", json={}).json() == {"written": 3}
    assert site.program("ada").post(f"{X}/rebuild", json={}).json() == {"written": 3}
    ranking = site.program("ada").get(f"{X}/ranking").json()["items"]
    assert [each["stars"] for each in ranking] == [4, 3, 2]
    assert site.host.db.read_now(lambda reader: _uses_index(reader, site))


def _uses_index(reader: Any, site: Opened) -> bool:
    table = PluginAccess.of(site.host, site.host.work(), "ratings", writes=False).table("score")
    (index,) = table.indexes
    explain = "EXPLAIN QUERY PLAN " if reader.dialect == "sqlite" else "EXPLAIN "
    asked = f"SELECT subject FROM {table.name} WHERE stars = 4"
    if reader.dialect == "postgresql":
        reader.fetch("SELECT set_config('enable_seqscan', 'off', true)", ())
    plan = " ".join(str(row) for row in reader.fetch(explain + asked, ()))
    return str(index.name) in plan


def test_rows_of_a_projection_follow_the_row_rules_of_their_subject(site: Opened) -> None:
    mine, theirs = create(site, "vera", title="A", stars=2), create(site, "viktor", title="B", stars=3)
    site.program("ada").post(f"{X}/rebuild", json={})
    seen = {
        who: {each["visit"] for each in site.program(who).get(f"{X}/ranking").json()["items"]}
        for who in ("ada", "vera", "viktor")
    }
    assert seen == {"ada": {mine, theirs}, "vera": {mine}, "viktor": {theirs}}
    tag = site.program("ada").get(f"{VISITS}/{mine}").headers["etag"]
    site.program("ada").delete(f"{VISITS}/{mine}", headers={"if-match": tag})
    assert site.program("vera").get(f"{X}/ranking").json()["items"] == []


def test_the_widget_stands_on_the_dashboard(site: Opened) -> None:
    for stars in (2, 4):
        create(site, "vera", title="V", stars=stars)
    page = site.browser("vera").get("/apps/ratings/dashboards/overview").text
    assert "Average stars" in page
    assert "3.00" in page
    assert "/ 5" in page


def test_the_tryout_answers_and_refuses(site: Opened) -> None:
    program = site.program("vera")
    assert program.post("/api/v1/try/average", json={"stars": [3, 4]}).json() == {"average": "3.50"}
    refused = program.post("/api/v1/try/average", json={"stars": [3, "x"]})
    assert (refused.status_code, refused.json()["problems"][0]["pointer"]) == (422, "/stars/1")
    assert codes(program.post("/api/v1/try/average", json={"stars": [], "more": 1})) == ["web.body_schema"]
    assert site.program().post("/api/v1/try/average", json={"stars": []}).status_code == 401


def test_routes_are_in_the_description_for_those_who_may_use_them(site: Opened) -> None:
    whole = site.program("ada").get("/api/v1/openapi.json").json()["paths"]
    assert whole[f"{X}/ranking"]["get"]["summary"] == "Visits by stars, best first."
    assert f"{X}/rebuild" in whole
    assert "/api/v1/try/average" in whole
    assert f"{X}/rebuild" not in site.program("vera").get("/api/v1/openapi.json").json()["paths"]


def test_the_definition_kind_is_compiled_with_its_words_and_its_editor_hint(site: Opened) -> None:
    host = site.host
    assert host.model().catalogue.apps["ratings"].others["scorecard"]["monthly"]["goal"] == 4
    assert host.kinds.definitions["scorecard"].editor["goal"] == {"control": "slider", "from": 1, "to": 5}
    page = site.browser("ada").get("/labels", params={"app": "ratings", "locale": "en"})
    assert "Monthly scorecard" in page.text


def test_the_package_is_upgraded_by_plan(site: Opened, tmp_path: Path) -> None:
    visit = create(site, "vera", title="Harbour", stars=3)
    newer = tmp_path / "newer"
    shutil.copytree(Path(ratings.__file__).with_name("definitions"), newer)
    for name, change in (
        ("app.json", {"version": "1.1.0"}),
        ("scorecards/monthly.json", {"goal": 5}),
    ):
        path = newer / name
        path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **change}), "utf-8")
    host = site.host
    candidate = Candidate(read_folder(newer, host.kinds))
    plan = install_app.plan_install(host, candidate)
    assert (plan.problems, plan.replaces) == ((), "1.0.0")
    install_app.install(host, host.work(), candidate)
    assert host.model().catalogue.apps["ratings"].others["scorecard"]["monthly"]["goal"] == 5
    assert site.program("vera").get(f"{VISITS}/{visit}").json()["stars"] == 3
    assert doctor.examine(host, lambda *_: None).problems == ()


def test_without_the_plugin_its_definitions_rest_and_come_back_whole(
    site: Opened, tmp_path: Path, database_url: str
) -> None:
    visit = create(site, "vera", title="Harbour", stars=3)
    site.host.close()
    with opened(tmp_path / "data", {}, database_url) as bare:
        resting = {each.item for each in bare.host.parked}
        assert {"entity visit properties/stars", "scorecards/monthly.json", "rule round"} <= resting
        bare.tokens = site.tokens
        found = bare.program("vera").get(f"{VISITS}/{visit}").json()
        assert found["title"] == "Harbour"
        assert "stars" not in found
        reported = doctor.examine(bare.host, lambda *_: None).problems
        assert {each.code for each in reported} == {"plugin.parked"}
    with opened(tmp_path / "data", {"ratings": ratings}, database_url) as back:
        back.tokens = site.tokens
        assert back.program("vera").get(f"{VISITS}/{visit}").json()["stars"] == 3
        assert back.host.parked == ()
