"""Sales Management at work: from lead to money, each person doing their own part, totals true to the cent."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from dacheng.runtime.host import Host
from dacheng.runtime.services import tokens, users
from dacheng.runtime.services.users import NewUser
from dacheng.runtime.settings import Settings
from tests.security.conftest import API, PASSWORD, Workspace, codes

ANY = {"if-match": "*"}
ROLES = {"finance": "finance", "agent": "service_agent", "marketer": "marketer"}
APP = "/apps/sales_management"
Values = dict[str, Any]


class Team:
    """People of Sales Management with their programs."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        host = workspace.host
        for who, role in ROLES.items():
            host.refresh()
            new = NewUser(f"{who}@example.com", who.title(), (f"sales_management.{role}",), PASSWORD)
            user = users.add_user(host, host.work(), new)
            host.refresh()
            workspace.ids[who] = user
            workspace.tokens[who] = tokens.create_token(host, host.work(), user, "test")
        self.programs: dict[str, TestClient] = {}

    def program(self, who: str) -> TestClient:
        if who not in self.programs:
            self.programs[who] = self.workspace.program(who)
        return self.programs[who]

    def make(self, who: str, entity: str, **values: Any) -> Values:
        answer = self.program(who).post(f"{API}/{entity}", json=values)
        assert answer.status_code == 201, answer.text
        return self.read(who, entity, answer.json()["id"])

    def read(self, who: str, entity: str, ident: str) -> Values:
        answer = self.program(who).get(f"{API}/{entity}/{ident}")
        assert answer.status_code == 200, answer.text
        found: Values = answer.json()
        return found

    def every(self, who: str, entity: str) -> list[Values]:
        items: list[Values] = self.program(who).get(f"{API}/{entity}", params={"limit": 200}).json()["items"]
        return items

    def change(self, who: str, entity: str, ident: str, **values: Any) -> list[str]:
        answer = self.program(who).patch(f"{API}/{entity}/{ident}", json=values, headers=ANY)
        return [] if answer.status_code == 200 else codes(answer)

    def step(self, who: str, entity: str, ident: str, step: str, **values: Any) -> list[str]:
        """Problem codes of a step; none when it was taken."""
        place = f"{API}/{entity}/{ident}/transitions/{step}"
        answer = self.program(who).post(place, json=values, headers=ANY)
        return [] if answer.status_code == 200 else codes(answer)


@pytest.fixture(scope="module")
def team(
    filled_folder: tuple[Path, dict[str, str], dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    """One workspace for all tests here, with finance, service and marketing; each test makes its own records."""
    folder, secrets, made = filled_folder
    data = tmp_path_factory.mktemp("team") / "data"
    shutil.copytree(folder, data)
    workspace = Workspace(Host.open(Settings(data=data), plugins={}), dict(secrets), dict(made))
    yield Team(workspace)
    workspace.close()


def yuan(value: Values) -> str:
    return str(value["amount"])


def signed_contract(team: Team, account: str) -> Values:
    """A contract of 1,000.01 in two instalments, signed."""
    plans = [
        {"name": "首付款", "due_on": "2026-01-10", "amount": "333.34"},
        {"name": "验收款", "due_on": "2026-06-10", "amount": "666.67"},
    ]
    made = team.make("rep", "contract", name="合同", account=account, amount="1000.01", plans=plans[:1])
    assert team.step("rep", "contract", made["id"], "submit") == ["workflow.guard_refused"]
    first = {"id": made["plans"][0]["id"]}
    assert team.change("rep", "contract", made["id"], plans=[first, plans[1]]) == []
    assert team.step("rep", "contract", made["id"], "submit") == []
    assert team.step("rep", "contract", made["id"], "approve") == ["workflow.role_missing"]
    assert team.step("finance", "contract", made["id"], "approve") == []
    dates = {"signed_on": "2026-01-05", "starts_on": "2026-01-05"}
    assert team.step("rep", "contract", made["id"], "sign", **dates) == []
    return team.read("rep", "contract", made["id"])


def test_contract_plan_receipts_and_invoices_agree_to_the_cent(team: Team) -> None:
    account = team.make("rep", "account", name="分毫不差")["id"]
    contract = signed_contract(team, account)
    ident = contract["id"]
    assert team.step("rep", "contract", ident, "start") == ["workflow.guard_refused"]  # nothing received yet
    first, second = (each["id"] for each in contract["plans"])
    parts = [
        {"contract": ident, "plan": first, "amount": "333.34"},
        {"contract": ident, "plan": second, "amount": "0.01"},
    ]
    receipt = team.make("finance", "receipt", account=account, amount="333.35", lines=parts[:1])["id"]
    assert team.step("finance", "receipt", receipt, "match") == ["workflow.guard_refused"]
    assert team.change("finance", "receipt", receipt, lines=parts) == []
    assert team.step("finance", "receipt", receipt, "match") == []
    assert team.change("finance", "receipt", receipt, lines=[]) == ["record.readonly"]
    back = [{"contract": ident, "plan": first, "amount": "-33.33"}]
    refund = {"account": account, "kind": "refund", "amount": "-33.33", "lines": back}
    assert team.step("finance", "receipt", team.make("finance", "receipt", **refund)["id"], "match") == []

    bill = {"billed_to": "分毫不差", "account": account, "contract": ident, "amount": "333.35"}
    blue = team.make("rep", "invoice", **bill)["id"]
    assert team.step("finance", "invoice", blue, "issue", number="1", issued_on="2026-01-12") == []
    red = {**bill, "amount": "33.33", "color": "red", "reverses": blue, "reverse_reason": "allowance"}
    made = team.make("finance", "invoice", **red)["id"]
    assert team.step("finance", "invoice", made, "issue", number="2", issued_on="2026-02-12") == []

    found = team.read("rep", "contract", ident)
    assert [yuan(each["outstanding"]) for each in found["plans"]] == ["33.33", "666.66"]
    figures = ("plan_gap", "received", "outstanding", "invoiced", "not_invoiced")
    assert [yuan(found[name]) for name in figures] == ["0.00", "300.02", "699.99", "300.02", "699.99"]
    assert team.read("finance", "invoice", blue)["was_reversed"] is True
    seen = team.read("finance", "account", account)
    assert (yuan(seen["contract_amount"]), yuan(seen["received_amount"])) == ("1000.01", "300.02")
    assert seen["first_signed_on"] == "2026-01-05"
    assert team.step("rep", "contract", ident, "start") == []
    page = team.workspace.browser("admin").get(f"{APP}/account/{account}")
    assert page.status_code == 200
    assert "2026-01-05" in page.text


def test_a_discount_above_the_limit_needs_somebody_above(team: Team) -> None:
    account = team.make("rep", "account", name="要折扣的客户")["id"]
    product = team.make("admin", "product", name="目录品", price="999.99", cost="400", floor_price="700")[
        "id"
    ]
    lines = [{"product": product, "quantity": 3, "discount": "0.333"}]
    quote = team.make("rep", "quotation", name="报价", account=account, lines=lines)
    line = quote["lines"][0]
    assert (yuan(line["unit_price"]), yuan(line["amount"])) == (
        "666.99",
        "2000.97",
    )  # the list price was filled in
    assert (yuan(quote["total"]), yuan(quote["discount_amount"])) == ("2000.97", "999.00")
    ident = quote["id"]
    assert team.step("rep", "quotation", ident, "confirm") == ["workflow.guard_refused"]
    assert team.step("rep", "quotation", ident, "submit") == []
    assert team.step("rep", "quotation", ident, "approve") == ["workflow.role_missing"]
    assert team.change("rep", "quotation", ident, lines=[]) == ["record.readonly"]
    assert team.step("admin", "quotation", ident, "approve") == [
        "workflow.guard_refused"
    ]  # a third is too much
    assert team.step("admin", "quotation", ident, "approve_hq") == []


def test_a_lead_becomes_an_opportunity_and_an_interaction_moves_it_on(team: Team) -> None:
    account = team.make("rep", "account", name="线索客户")["id"]
    lead = team.make("marketer", "lead", name="周雨", company="线索客户", source="exhibition")["id"]
    assert team.change("marketer", "lead", lead, owner=team.workspace.ids["rep"]) == []
    assert team.step("marketer", "lead", lead, "assign") == []
    assert team.step("rep", "lead", lead, "convert") == ["workflow.wrong_state"]
    assert team.step("rep", "lead", lead, "touch") == []
    assert team.step("rep", "lead", lead, "convert", account=account, intent="high") == []
    found = team.read("rep", "lead", lead)
    assert (found["state"], found["quality"]) == ("converted", "sql")
    assert found["first_touched_at"]
    deal = next(each for each in team.every("rep", "opportunity") if each["lead"] == lead)
    assert (deal["name"], deal["source"], deal["account"]) == ("线索客户 · 周雨", "exhibition", account)
    talk: Values = {"account": account, "opportunity": deal["id"], "progress": "decision_maker_met"}
    talk |= {"kind": "visit", "summary": "见到老板", "next_step": "demo", "next_on": "2026-12-01"}
    assert team.make("rep", "interaction", **talk)["effective"] is True
    missed = {**talk, "kind": "outbound_call", "progress": "not_reached", "next_step": None, "next_on": None}
    assert team.make("rep", "interaction", **missed)["effective"] is False
    assert team.read("rep", "opportunity", deal["id"])["next_step_on"] == "2026-12-01"
    seen = team.read("rep", "account", account)
    assert (seen["journey_stage"], seen["status"]) == ("opportunity", "active_deal")
    assert seen["next_follow_on"] == "2026-12-01"


def test_a_customer_goes_back_to_the_open_pool_and_whoever_claims_it_owns_it(team: Team) -> None:
    account = team.make("rep", "account", name="公海客户")["id"]
    assert team.step("other", "account", account, "give_back", return_reason="no_progress") != []
    assert team.step("rep", "account", account, "give_back", return_reason="no_progress") == []
    assert team.read("rep", "account", account)["owner"] is None
    assert team.step("other", "account", account, "claim") == []
    assert team.read("rep", "account", account)["owner"] == team.workspace.ids["other"]
    assert team.step("rep", "account", account, "give_back", return_reason="no_progress") != []


def test_no_ticket_without_its_customer_and_its_times_are_noted(team: Team) -> None:
    bare = team.program("agent").post(f"{API}/ticket", json={"subject": "无主工单", "kind": "fault"})
    assert (bare.status_code, codes(bare)) == (422, ["record.required"])
    account = team.make("rep", "account", name="报修客户")["id"]
    ticket = team.make("agent", "ticket", subject="打不开", kind="fault", account=account)["id"]
    for step, values in (("accept", {}), ("work", {}), ("resolve", {"solution": "已重启"}), ("close", {})):
        assert team.step("agent", "ticket", ticket, step, **values) == []
    found = team.read("agent", "ticket", ticket)
    assert None not in (found["accepted_at"], found["closed_at"], found["response"])
    assert team.read("agent", "account", account)["open_tickets"] == 0


def test_cost_floor_price_and_amounts_are_seen_by_whom_they_concern(team: Team) -> None:
    product = team.make("admin", "product", name="有底价", price="100", cost="40", floor_price="70")["id"]
    hidden = {"rep": {"cost", "floor_price", "margin"}, "manager": {"cost", "margin"}, "finance": set()}
    for who, names in hidden.items():
        found = team.read(who, "product", product)
        assert {"cost", "floor_price", "margin"} - found.keys() == names
    account = team.make("rep", "account", name="金额保密")["id"]
    contract = signed_contract(team, account)["id"]
    seen = team.read("agent", "contract", contract)
    assert not {"amount", "plans", "received", "outstanding", "amount_ex_tax"} & seen.keys()


def test_a_line_in_a_list_leads_to_the_record_it_stands_in(team: Team) -> None:
    account = team.make("rep", "account", name="有计划的客户")["id"]
    contract = signed_contract(team, account)
    browser, line = team.workspace.browser("rep"), contract["plans"][0]["id"]
    listed = browser.get(f"{APP}/payment_plan")
    assert f"{APP}/payment_plan/{line}" in listed.text
    assert f"{APP}/payment_plan/new" not in listed.text
    answer = browser.get(f"{APP}/payment_plan/{line}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{APP}/contract/{contract['id']}")
    assert team.workspace.browser("other").get(f"{APP}/payment_plan/{line}").status_code == 404


def test_the_side_bar_stands_in_groups_and_shows_only_what_one_may_open(team: Team) -> None:
    page = team.workspace.browser("agent").get("/").text
    side = page[page.index("<nav ") : page.index("</nav>")]
    places = [side.find(f">{text}<") for text in ("销售管理", "获客", "跟进", "报价与回款", "服务")]
    assert -1 not in places
    assert places == sorted(places)
    assert f'href="{APP}/ticket"' in side
    assert f'href="{APP}/receipt"' not in side


def test_a_deals_line_reckons_its_price_and_amount_until_they_are_typed_over(team: Team) -> None:
    goods = team.make("admin", "product", name="行计价样品", price="1000.50")["id"]
    browser = team.workspace.browser("rep")
    cells = {"lines.sent": "1", "lines.0.product": goods, "lines.0.quantity": "3"}

    def followed(address: str = "opportunity/new", **more: str) -> Values:
        sent = {**cells, **{f"lines.0.{name}": text for name, text in more.items()}}
        answer = browser.post(f"{APP}/{address}/follow", data=sent)
        assert answer.status_code == 200, answer.text
        found: Values = answer.json()["texts"]
        return found

    first = followed()
    assert (first["lines.0.unit_price"], first["lines.0.amount"]) == ("1000.50", "3001.50")
    auto = first["lines.0._auto"]
    more = followed(quantity="4", unit_price="1000.50", amount="3001.50", _auto=auto)
    assert more["lines.0.amount"] == "4002.00"
    typed = followed(quantity="4", unit_price="900", amount="3001.50", _auto=auto)
    assert typed["lines.0.amount"] == "3600.00"
    assert "lines.0.unit_price" not in typed
    assert "lines.0.amount" not in followed(quantity="4", unit_price="1000.50", amount="10", _auto=auto)

    deal = team.make("rep", "opportunity", name="行计价", lines=[{"product": goods, "quantity": 3}])
    line = deal["lines"][0]
    assert (line["unit_price"]["amount"], line["amount"]["amount"]) == ("1000.50", "3001.50")
    assert deal["lines_total"]["amount"] == "3001.50"
    stored = followed(
        f"opportunity/{deal['id']}/edit", id=line["id"], quantity="5", unit_price="1000.50", amount="3001.50"
    )
    assert stored["lines.0.amount"] == "5002.50"
