"""Dashboards over HTTP: what is behind each figure, cards that went stale, one failing card, and one's own page."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dacheng.metadata.kinds import MeasureResult
from dacheng.runtime.storage.kept_figures import look
from dacheng.runtime.web.view import widgets
from tests.security.conftest import API, Workspace

BOARD = "/apps/sales_management/dashboards/process"
MINE = "/my-dashboard"
FUNNEL = "sales_management.process.open_by_stage"


def _card(page: str, name: str) -> str:
    found = re.search(rf'<section class="card[^>]*data-card="{name}".*?</section>', page, re.DOTALL)
    assert found is not None, name
    return found.group()


def _deals(workspace: Workspace, count: int) -> None:
    rep = workspace.program("rep")
    for number in range(count):
        made = rep.post(f"{API}/opportunity", json={"name": f"Deal {number}"})
        assert made.status_code == 201, made.text


def test_every_cell_of_a_table_leads_to_just_its_records(workspace: Workspace) -> None:
    _deals(workspace, 3)
    boss = workspace.browser("admin")
    card = _card(boss.get(BOARD).text, "open_by_stage")
    cells = re.findall(r'<td><a href="([^"]+)">.*?</td>.*?<td class="num[^>]*>([\d,]+)</td>', card, re.DOTALL)
    assert cells
    program = workspace.program("admin")
    for href, figure in cells:
        asked = parse_qs(urlsplit(unescape(href)).query)["filter"][0]
        found = program.get(f"{API}/opportunity", params={"filter": asked, "count": "true"}).json()
        assert found["count"] == int(figure.replace(",", ""))


def test_stale_cards_come_in_one_answer_and_no_others(workspace: Workspace) -> None:
    boss = workspace.browser("admin")
    answer = boss.get(f"{BOARD}/cards", params={"only": "open_by_stage,new_leads,nothing"})
    assert re.findall(r'data-card="(\w+)"', answer.text) == ["new_leads", "open_by_stage"]
    assert boss.get(f"{BOARD}/live").text.startswith("retry:")
    assert workspace.nobody().get(f"{BOARD}/live", follow_redirects=False).status_code in (303, 401)


def test_the_log_names_what_changed_and_never_twice(workspace: Workspace) -> None:
    host = workspace.host
    first = host.db.read_now(lambda reader: look(reader, None))
    _deals(workspace, 1)
    told = host.db.read_now(lambda reader: look(reader, first))
    assert "sales_management.opportunity" in told.entities
    assert host.db.read_now(lambda reader: look(reader, told)).entities == frozenset()


def test_one_failing_card_spoils_no_other(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = widgets._asked

    def failing(reader: Any, work: Any, ref: str, *rest: Any) -> MeasureResult:
        if ref.endswith(".new_leads"):
            raise RuntimeError("broken")
        return plain(reader, work, ref, *rest)

    monkeypatch.setattr(widgets, "_asked", failing)
    answer = workspace.browser("admin").get(BOARD)
    assert answer.status_code == 200
    assert "暂时无法计算" in _card(answer.text, "new_leads")
    assert "暂时无法计算" not in _card(answer.text, "untouched")


def test_ones_own_dashboard_is_put_together_step_by_step_and_taken_back(workspace: Workspace) -> None:
    boss = workspace.browser("manager")

    def step(**fields: str) -> list[str]:
        assert boss.post(MINE, data=fields, follow_redirects=False).status_code == 303
        return re.findall(r'data-key="([\w.]+)"', boss.get(f"{MINE}?edit=1").text)

    late = "sales_management.process.late_next"
    step(do="add", widget=FUNNEL)
    assert step(do="add", widget=late) == [FUNNEL, late]
    assert step(do="add", widget="sales_management.process.nothing") == [FUNNEL, late]
    assert step(do="up", widget=late) == [late, FUNNEL]
    assert step(do="undo") == [FUNNEL, late]
    assert step(do="order", order=f"{late},{FUNNEL}") == [late, FUNNEL]
    assert step(do="remove", widget=late) == [FUNNEL]
    assert re.findall(r'data-card="([\w-]+)"', boss.get(MINE).text) == [FUNNEL.replace(".", "-")]
    assert "data-compose" not in workspace.browser("rep").get(f"{MINE}?edit=1").text
