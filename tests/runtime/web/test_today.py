"""Today, for who is over others and for who imports: what is late with one's people, what an import left behind."""

from __future__ import annotations

from tests.security.conftest import API, Workspace
from tests.security.test_files import import_file

CORE = "/api/v1/apps/core"


def placed(workspace: Workspace, who: str, department: str) -> None:
    boss, address = workspace.program("admin"), f"{CORE}/user/{workspace.ids[who]}"
    seen = {"if-match": boss.get(address).headers["etag"]}
    answer = boss.patch(address, json={"department": department}, headers=seen)
    assert answer.status_code == 200, answer.text


def test_what_is_late_with_ones_people_stands_on_todays_page(workspace: Workspace) -> None:
    boss, rep = workspace.program("admin"), workspace.program("rep")
    east = boss.post(f"{CORE}/department", json={"name": "East"}).json()["id"]
    below = boss.post(f"{CORE}/department", json={"name": "East one", "parent": east}).json()["id"]
    placed(workspace, "manager", east)
    placed(workspace, "rep", below)
    late = {"name": "逾期的商机", "next_step_on": "2026-01-05"}
    assert rep.post(f"{API}/opportunity", json=late).status_code == 201
    assert rep.post(f"{API}/opportunity", json={"name": "按时的商机", "next_step_on": "2999-01-05"})
    page = workspace.browser("manager").get("/").text
    waits = page[page.index('class="waits"') : page.index('class="tiles"')]
    assert "团队逾期的商机" in waits
    assert "逾期的商机</a>" in waits
    assert "Rep · " in waits
    assert "按时的商机" not in waits
    for who in ("rep", "other"):
        assert "团队逾期" not in workspace.browser(who).get("/").text


def test_an_import_that_left_rows_behind_is_reminded_of(workspace: Workspace) -> None:
    boss = workspace.browser("admin")
    assert "未全部导入" not in boss.get("/").text
    import_file(boss, "account", "客户名称,员工人数\nWhole,5\nBroken,many\n".encode())
    page = boss.get("/").text
    assert "未全部导入的文件" in page
    assert "1 行未导入" in page
    assert "未全部导入" not in workspace.browser("manager").get("/").text
