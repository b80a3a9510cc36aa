"""Each hook keeps its promise, and a plugin that fails is named and fails alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dacheng.metadata.kinds import ColumnSpec, Figure, KindsPart, Primitive, Series, WidgetKind
from dacheng.metadata.problem import Refused
from dacheng.plugins.api import (
    Access,
    Consumer,
    Panel,
    PluginRequest,
    PluginRoute,
    Projection,
    ProjectionColumn,
    Tryout,
    says,
)
from dacheng.plugins.context import User
from dacheng.plugins.manager import PluginFailed
from dacheng.runtime.cli import main
from dacheng.runtime.services import doctor, export_records, install_app, outbox_worker, plugin_state
from dacheng.runtime.services.export_records import Export
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.services.plugin_access import PluginAccess
from dacheng.runtime.storage import event_log
from dacheng.runtime.storage.event_log import Event
from tests.contracts.derived import mill
from tests.plugins.opened import Opened, codes, opened, plugin
from tests.plugins.ratings import plugin as ratings

VISITS = "/api/v1/apps/ratings/visit"
NOTES = Projection(
    "note",
    (
        ProjectionColumn("id", ColumnSpec(Primitive.TEXT), key=True),
        ProjectionColumn("n", ColumnSpec(Primitive.INTEGER)),
    ),
)


def fails(*_: Any, **__: Any) -> Any:
    raise RuntimeError("out of luck")


def with_ratings(folder: Path, url: str = "", **others: object) -> Any:
    return opened(folder, {"ratings": ratings, **others}, url)


def ready(site: Opened) -> Opened:
    """The ratings installed, and ada to use them."""
    site.install("ratings")
    site.person("ada", "core.admin")
    return site


# ---------------------------------------------------------------- register_*: a failure stops the start, named
@pytest.mark.parametrize(
    "hook",
    ["register_kinds", "register_projections", "register_packages", "register_routes", "register_tryouts"],
)
def test_a_failing_registration_stops_the_start_with_the_name(tmp_path: Path, hook: str) -> None:
    weak = {"weak": plugin(**{hook: fails_once()})}
    with (
        pytest.raises(PluginFailed, match=f"“weak” failed in {hook}: out of luck"),
        opened(tmp_path, weak) as site,
    ):
        site.host.plugins.registered("register_packages")


def fails_once() -> Any:
    def hook() -> Any:
        raise RuntimeError("out of luck")

    return hook


def test_register_kinds_adds_to_the_kinds(tmp_path: Path) -> None:
    part = KindsPart("dots", widgets=(WidgetKind("dots", {}, lambda results, props: Figure("•", "1")),))
    with opened(tmp_path, {"dots": plugin(register_kinds=lambda: part)}) as site:
        assert site.host.kinds.owners["widgets.dots"] == "dots"


def test_register_packages_offers_and_installs(tmp_path: Path) -> None:
    with with_ratings(tmp_path) as site:
        site.install("ratings")
        assert "ratings" in site.host.model().catalogue.apps


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"permission": None}, "declares no permission"),
        ({"writes": True}, "a GET neither writes"),
        ({"path": "x"}, "begin"),
    ],
)
def test_register_routes_demands_whole_declarations(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    route = replace(PluginRoute("/x", "GET", "public", lambda request: None), **changed)
    loose = {"loose": plugin(register_routes=lambda: [route])}
    with pytest.raises(PluginFailed, match=said), opened(tmp_path, loose):
        pass


def test_register_routes_takes_what_it_declares_and_names_a_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def echo(request: PluginRequest) -> Any:
        return {"path": request.path, "query": request.query, "body": request.body}

    def write(request: PluginRequest) -> Any:
        return request.access.write("ratings.visit", {"title": "x"})

    body = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    routes = [
        PluginRoute("/echo/{name}", "GET", "public", echo, parameters=("q",)),
        PluginRoute("/echo", "POST", "signed_in", echo, request_schema=body),
        PluginRoute("/fail", "GET", "public", fails),
        PluginRoute("/lie", "GET", "public", lambda request: 1, response_schema={"type": "object"}),
        PluginRoute("/write", "GET", "signed_in", write),
    ]
    with with_ratings(tmp_path, echo=plugin(register_routes=lambda: routes)) as site:
        program = ready(site).program("ada")
        x = "/api/v1/x/echo"
        assert program.get(f"{x}/echo/a?q=1").json() == {
            "path": {"name": "a"},
            "query": {"q": "1"},
            "body": None,
        }
        assert codes(program.get(f"{x}/echo/a?z=1")) == ["web.unknown_parameter"]
        assert codes(site.program().post(f"{x}/echo", json={"n": 1})) == ["account.sign_in_needed"]
        assert program.post(f"{x}/echo", json={"n": 1}).json()["body"] == {"n": 1}
        assert codes(program.post(f"{x}/echo", json={"n": "1"})) == ["web.body_schema"]
        twice = program.post(
            f"{x}/echo", content=b'{"n": 1, "n": 2}', headers={"content-type": "application/json"}
        )
        assert twice.status_code == 400
        for place in ("fail", "lie"):
            answer = site.program().get(f"{x}/{place}")
            assert (answer.status_code, codes(answer)) == (503, ["plugin.failed"])
            assert "“echo”" in answer.json()["detail"]
        assert "plugin echo failed in /fail" in caplog.text
        assert codes(program.get(f"{x}/write")) == ["plugin.read_only"]
        assert program.get("/api/v1/x/ratings/ranking").status_code == 200


def test_register_tryouts_answer_alone(tmp_path: Path) -> None:
    broken = Tryout("broken", fails, {}, {})
    with with_ratings(tmp_path, weak=plugin(register_tryouts=lambda: [broken])) as site:
        program = ready(site).program("ada")
        assert codes(program.post("/api/v1/try/broken", json={})) == ["plugin.failed"]
        assert program.post("/api/v1/try/average", json={"stars": [1]}).json() == {"average": "1.00"}


# ---------------------------------------------------------------- register_projections, and the wall around them
def test_register_projections_makes_tables_that_grow(tmp_path: Path, database_url: str) -> None:
    with opened(tmp_path, {"notes": plugin(register_projections=lambda: [NOTES])}, database_url) as site:
        access = PluginAccess.of(site.host, site.host.work(), "notes", writes=True)
        assert access.upsert("note", ({"id": f"{n:05}", "n": n} for n in range(2500))) == 2500
        assert access.upsert("note", [{"id": "00001"}]) == 1
        table = access.table("note")
        assert access.select(sa.select(sa.func.count(), sa.func.sum(table.c.n))) == [(2500, 3123749)]
        twice = sa.select(table.c.id, (table.c.n * 2).label("n")).where(table.c.n < 4)
        assert access.upsert_select("note", twice) == 3
    wider = replace(
        NOTES,
        columns=(*NOTES.columns, ProjectionColumn("text", ColumnSpec(Primitive.TEXT))),
        indexes=(("n", "id"),),
    )
    with opened(tmp_path, {"notes": plugin(register_projections=lambda: [wider])}, database_url) as site:
        access = PluginAccess.of(site.host, site.host.work(), "notes", writes=False)
        table = access.table("note")
        assert access.select(sa.select(table.c.n, table.c.text).where(table.c.id == "00003")) == [(6, None)]


@pytest.mark.parametrize(
    "wrong",
    [
        replace(NOTES, columns=NOTES.columns[1:]),
        replace(NOTES, subject="id"),
        replace(NOTES, indexes=(("missing",),)),
        replace(NOTES, id="Note"),
    ],
)
def test_register_projections_refuses_what_cannot_be_a_table(tmp_path: Path, wrong: Projection) -> None:
    notes = {"notes": plugin(register_projections=lambda: [wrong])}
    with pytest.raises(PluginFailed, match="“notes”"), opened(tmp_path, notes):
        pass


def test_a_plugin_reaches_no_table_but_its_own(tmp_path: Path) -> None:
    with with_ratings(tmp_path, notes=plugin(register_projections=lambda: [NOTES])) as site:
        host = ready(site).host
        access = PluginAccess.of(host, host.work(), "notes", writes=True)
        mine, visits = access.table("note"), host.model().tables.of("ratings.visit")
        users = sa.table("core_user", sa.column("id"))
        foreign: Sequence[Any] = (
            sa.select(visits.c.title),
            sa.select(mine.c.id).where(mine.c.id.in_(sa.select(users.c.id))),
            sa.select(mine.c.id).join(visits, visits.c.id == mine.c.id),
            sa.select(mine.c.id, sa.select(sa.func.count()).select_from(users).scalar_subquery()),
            sa.select(sa.select(users.c.id).cte("hidden").c.id),
            sa.union_all(sa.select(mine.c.id), sa.select(users.c.id)),
        )
        raw: Sequence[Any] = (
            sa.select(sa.text("1 FROM core_user")),
            sa.select(sa.literal_column("(SELECT email FROM core_user)")),
            sa.select(sa.func.load_extension("x")),
            sa.select(mine.c.id.op("|| (SELECT 1) ||")("x")),
            sa.select(mine.insert().values(id="x").returning(mine.c.id).cte().c.id),
        )
        for query, code in [
            *((q, "plugin.foreign_table") for q in foreign),
            *((q, "plugin.raw_statement") for q in raw),
        ]:
            with pytest.raises(Refused) as refused:
                access.select(query)
            assert [each.code for each in refused.value.problems] == [code], str(query)
        with pytest.raises(Refused, match="not its own"):
            access.table("score")
        with pytest.raises(Refused, match="name the columns"):
            access.upsert("note", [{"n": 1}])


def test_row_rules_hold_however_the_question_is_put(tmp_path: Path) -> None:
    with with_ratings(tmp_path) as site:
        host = ready(site).host
        vera = site.person("vera", "ratings.visitor")
        system = PluginAccess.of(host, host.work(), "ratings", writes=True)
        mine = system.write("ratings.visit", {"title": "mine", "stars": 2, "owner": vera})
        system.write("ratings.visit", {"title": "other", "stars": 4})
        visits = system.records("ratings.visit", fields=("id", "stars"))
        system.upsert("score", [{"subject": each["id"], "stars": each["stars"]} for each in visits])
        table = system.table("score")
        other = table.alias("other")
        asked: Sequence[Any] = (
            sa.select(table.c.subject),
            sa.select(other.c.subject),
            sa.select(sa.select(table.c.subject).cte("inner_").c.subject),
            sa.union(sa.select(table.c.subject), sa.select(other.c.subject)),
            sa.select(table.c.subject).join(other, other.c.stars >= table.c.stars).distinct(),
            sa.select(sa.select(sa.func.min(table.c.subject)).scalar_subquery()),
        )
        work = host.work(replace_actor(host, vera))
        own = PluginAccess.of(host, work, "ratings", writes=False)
        for query in asked:
            assert own.select(query) == [(mine,)], str(query)
        assert own.select(sa.select(sa.func.count()).select_from(table)) == [(1,)]


def replace_actor(host: Any, user: str) -> Any:
    return User(user, "vera", frozenset({"ratings.visitor"}))


# ---------------------------------------------------------------- before_write, after_write, after_publish
def test_before_write_failing_refuses_the_save_by_name(tmp_path: Path) -> None:
    with with_ratings(tmp_path, weak=plugin(before_write=fails_on("visit"))) as site:
        program = ready(site).program("ada")
        answer = program.post(VISITS, json={"title": "x"})
        assert (answer.status_code, codes(answer)) == (503, ["plugin.failed"])
        assert "“weak”" in answer.json()["detail"]
        assert program.get(VISITS).json()["items"] == []


def fails_on(entity: str) -> Any:
    def before_write(context: Any, write: Any) -> Any:
        if write.entity.endswith(entity):
            raise RuntimeError("out of luck")

    return before_write


def test_before_write_sees_both_sides_and_may_refuse(tmp_path: Path) -> None:
    def before_write(write: Any) -> Any:
        if write.before is not None and write.before["title"] != write.after["title"]:
            return [says({"en": "Titles stay."}, "/title")]
        return []

    with with_ratings(tmp_path, firm=plugin(before_write=before_write)) as site:
        program = ready(site).program("ada")
        place = program.post(VISITS, json={"title": "x"}).headers["location"]
        assert program.patch(place, json={"note": "y"}, headers={"if-match": "*"}).status_code == 200
        refused = program.patch(place, json={"title": "z"}, headers={"if-match": "*"})
        assert [each["message"] for each in refused.json()["problems"]] == ["Titles stay."]


def test_after_write_failing_is_logged_by_name_and_the_record_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def after_write(write: Any) -> None:
        if write.entity == "ratings.visit":
            heard.append((write.action, write.after["title"]))
            raise RuntimeError("out of luck")

    heard: list[tuple[str, str]] = []
    with with_ratings(tmp_path, weak=plugin(after_write=after_write)) as site:
        program = ready(site).program("ada")
        assert program.post(VISITS, json={"title": "x"}).status_code == 201
        assert heard == [("create", "x")]
        assert "plugin weak failed in after_write" in caplog.text
        assert len(program.get(VISITS).json()["items"]) == 1


def test_after_publish_hears_of_installs_and_its_failure_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def after_publish(app: str, version: str) -> None:
        heard.append((app, version))
        raise RuntimeError("out of luck")

    heard: list[tuple[str, str]] = []
    with with_ratings(tmp_path, weak=plugin(after_publish=after_publish)) as site:
        site.install("ratings")
        assert heard[-1] == ("ratings", "1.0.0")
        assert "ratings" in site.host.model().catalogue.apps
        assert "plugin weak failed in after_publish" in caplog.text


# ---------------------------------------------------------------- register_consumers
def test_register_consumers_follow_in_order_and_again_after_a_failure(
    tmp_path: Path, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def handle(access: Access, events: Sequence[Any]) -> None:
        access.upsert("note", [{"id": each["id"], "n": each["payload"]["n"]} for each in events])
        seen.extend(each["id"] for each in events)
        if len(seen) < 3:
            raise RuntimeError("out of luck")

    seen: list[str] = []
    follower = plugin(
        register_projections=lambda: [NOTES],
        register_consumers=lambda: [Consumer("reader", frozenset({"view"}), handle)],
    )
    with opened(tmp_path, {"notes": follower}, database_url) as site:
        host = site.host
        events = [
            Event(
                f"e{n}",
                "view" if n else "other",
                "account",
                "a",
                n,
                1_700_000_000_000,
                "me",
                "manual",
                {"n": n},
            )
            for n in range(3)
        ]
        host.db.write_now(lambda tx: event_log.append(tx, events))
        assert outbox_worker.drain(host) == 0
        assert "plugin notes failed in its consumer reader" in caplog.text
        assert outbox_worker.drain(host) == 2
        assert outbox_worker.drain(host) == 0
        assert seen == ["e1", "e2", "e1", "e2"]
        access = PluginAccess.of(host, host.work(), "notes", writes=False)
        assert access.select(sa.select(access.table("note").c.n).order_by(access.table("note").c.n)) == [
            (1,),
            (2,),
        ]


# ---------------------------------------------------------------- extra_panels
def test_extra_panels_stand_on_the_record_page_and_fail_alone(tmp_path: Path) -> None:
    def best(access: Access, entity: str, record: str) -> Figure:
        (found,) = access.records(entity, fields=("stars",), filter={"==": [{"var": "id"}, record]})
        return Figure(f"{found['stars']} of 5", str(found["stars"]), note="<b>so far</b>")

    def links(access: Access, entity: str, record: str) -> Series:
        return Series(("here", "away"), (1.0, 2.0), ("one", "two"), ("/search", "https://example.com"))

    panels = [
        Panel(
            "best", lambda context, entity: entity == "ratings.visit", best, {"en": "Best", "zh-CN": "最佳"}
        ),
        Panel("links", lambda context, entity: True, links),
        Panel("broken", lambda context, entity: True, fails),
        Panel("never", lambda context, entity: False, fails),
    ]
    with with_ratings(tmp_path, extra=plugin(extra_panels=lambda: panels)) as site:
        visit = ready(site).program("ada").post(VISITS, json={"title": "x", "stars": 3}).json()["id"]
        page = site.browser("ada").get(f"/apps/ratings/visit/{visit}").text
        assert "3 of 5" in page
        assert "&lt;b&gt;so far" in page
        assert 'href="/search"' in page
        assert "https://example.com" not in page
        assert "The plugin “extra” failed here." in page or "插件“extra”在此处出错" in page
        assert "panel-extra-never" not in page


# ---------------------------------------------------------------- rest and return
def test_a_disabled_plugin_rests_and_comes_back(tmp_path: Path) -> None:
    with with_ratings(tmp_path) as site:
        host = ready(site).host
        program = site.program("ada")
        place = program.post(VISITS, json={"title": "x", "stars": 3}).headers["location"]
        assert plugin_state.set_enabled(host.db, "ratings", host.plugins.known, enabled=False)
        assert program.get("/api/v1/x/ratings/ranking").status_code == 404
        assert program.post("/api/v1/try/average", json={"stars": [1]}).status_code == 404
        assert "stars" not in program.get(place).json()
        assert program.post(VISITS, json={"title": "five"}).status_code == 201
        assert "stars" not in host.kinds.fields
        assert plugin_state.set_enabled(host.db, "ratings", host.plugins.known, enabled=True)
        assert plugin_state.settle(host, "ratings") == ()
        assert program.get(place).json()["stars"] == 3
        assert program.get("/api/v1/x/ratings/ranking").status_code == 200
        with pytest.raises(Refused, match="no plugin “other”"):
            plugin_state.set_enabled(host.db, "other", host.plugins.known, enabled=False)


def test_values_of_a_kind_that_rests_are_kept_whatever_is_done_meanwhile(tmp_path: Path) -> None:
    """Pages, files, saves, the bin, a new app and the doctor: calm all along, and nothing is lost."""
    with with_ratings(tmp_path) as site:
        host = ready(site).host
        program, browser = site.program("ada"), site.browser("ada")
        kept, other = (
            program.post(VISITS, json={"title": each, "stars": 3}).json()["id"] for each in ("x", "y")
        )
        plugin_state.set_enabled(host.db, "ratings", host.plugins.known, enabled=False)
        host.refresh()
        for path in ("", "/new", f"/{kept}", f"/{kept}/edit", "?sort=title", "?q=x"):
            assert browser.get(f"/apps/ratings/visit{path}").status_code == 200, path
        assert (
            program.get(VISITS, params={"sort": "stars"}).json()["problems"][0]["code"]
            == "query.unknown_field"
        )
        written = "".join(export_records.export(host, host.work(), Export("ratings.visit")))
        assert "stars" not in written.lower()
        changed = program.patch(f"{VISITS}/{kept}", json={"note": "n"}, headers={"if-match": "*"})
        assert changed.status_code == 200
        program.delete(f"{VISITS}/{other}", headers={"if-match": "*"})
        program.post(f"{VISITS}/{other}/restore")
        host.refresh()
        install_app.install(host, host.work(), Candidate(mill.package()), sample=False)
        found = doctor.examine(host, lambda *_: None).problems
        assert {each.code for each in found} == {"plugin.parked"}
        assert all(each.message for each in found)
        plugin_state.set_enabled(host.db, "ratings", host.plugins.known, enabled=True)
        assert plugin_state.settle(host, "ratings") == ()
        host.refresh()
        both = [program.get(f"{VISITS}/{each}").json() for each in (kept, other)]
        assert [(each["stars"], each["note"]) for each in both] == [(3, "n"), (3, None)]
        assert doctor.examine(host, lambda *_: None).problems == ()


def test_a_plugin_that_stops_the_start_can_be_disabled(tmp_path: Path) -> None:
    with opened(tmp_path, {}) as site:
        plugin_state.set_enabled(site.host.db, "weak", ["weak"], enabled=False)
    with opened(tmp_path, {"weak": plugin(register_kinds=fails_once())}) as site:
        assert site.host.plugins.names == ()


def test_register_commands_run_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    (site / "counter-1.dist-info").mkdir(parents=True)
    (site / "counter-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: counter\nVersion: 1\n"
    )
    (site / "counter-1.dist-info" / "entry_points.txt").write_text(
        "[dacheng.plugins]\ncounter = counter_plugin\nbroken = counter_missing\n"
    )
    (site / "counter_plugin.py").write_text(COUNTER)
    monkeypatch.syspath_prepend(str(site))
    where = ["--data", str(tmp_path / "data")]
    assert main(["plugin", "list", *where]) == 1
    assert "“broken” could not be loaded" in capsys.readouterr().err
    assert main(["plugin", "disable", "broken", *where]) == 0
    assert main(["plugin", "disable", "nobody", *where]) == 1
    assert main(["app", "list", "--json", *where]) in (0, 1)
    capsys.readouterr()
    assert main(["counter", "count", "core.user", *where]) == 4
    assert capsys.readouterr().out == "core.user: 0\n"
    assert main(["plugin", "enable", "broken", *where]) == 1
    capsys.readouterr()
    assert main(["plugin", "disable", "counter", *where]) == 0
    assert main(["plugin", "list", "--json", *where]) == 0
    states = json.loads(capsys.readouterr().out.splitlines()[-1])["plugins"]
    assert states == [
        {"plugin": "broken", "enabled": False, "installed": True},
        {"plugin": "counter", "enabled": False, "installed": True},
    ]
    assert main(["counter", "count", "core.user", *where]) == 1


COUNTER = """
from dacheng.plugins.api import Command
from dacheng.plugins.hookspecs import hookimpl


def count(access, given):
    print(f"{given['entity']}: {len(access.records(given['entity'], fields=('id',)))}")
    return 4


@hookimpl
def register_commands():
    return [Command("count", "Count records.", {"entity": "which"}, count)]
"""
