"""Everyday work on a small app: cells of every control, bulk edits of them, and a conflict that an arbiter decides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from dacheng.runtime.services import write_record
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.web.pages import export_job
from tests.browser.conftest import PASSWORD, serving
from tests.browser.test_cells import cell_of
from tests.contracts.field_kinds.house import labelled, manifest
from tests.support.browser import PHONE, Chromium, axe_violations

pytestmark = pytest.mark.browser
LIST = "/apps/desk/thing"
OPTIONS = {key: {"order": at} for at, key in enumerate(("sea", "rail", "road", "air"), 1)}
OWN = {"==": [{"var": "owner"}, {"var": "$user.id"}]}
FIELDS: dict[str, dict[str, object]] = {
    "name": {"x-kind": "text", "x-required": True},
    "count": {"x-kind": "integer"},
    "marks": {"x-kind": "tags"},
    "ways": {"x-kind": "multi_choice", "x-options": OPTIONS},
    "place": {"x-kind": "address"},
    "teams": {"x-kind": "links", "x-to": "core.department"},
    "way": {"x-kind": "choice", "x-options": OPTIONS},
    "story": {"x-kind": "rich_text"},
    "due": {"x-kind": "date"},
}
PEOPLE = {
    "ada": ("Ada", ("core.admin",)),
    "clara": ("Clara", ("desk.clerk",)),
    "cody": ("Cody", ("desk.clerk",)),
    "kim": ("Kim", ("desk.keeper",)),
}


def _role(name: str, **thing: object) -> dict[str, object]:
    readable = {"core.user": {"read": True}, "core.department": {"read": True}}
    return {"id": name, "entities": {"thing": {"create": True, **thing}, **readable}}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A served workspace whose one entity has the controls that lists show, and a match with an arbiter."""
    fields = {name: {**spec, "x-order": at} for at, (name, spec) in enumerate(FIELDS.items())}
    package = labelled(
        {
            "app.json": manifest("desk", "thing"),
            "entities/thing.json": {
                "id": "thing",
                "type": "object",
                "x-title": "name",
                "x-owned": True,
                "properties": fields,
            },
            "roles/clerk.json": _role("clerk", read=OWN, update=OWN),
            "roles/keeper.json": _role("keeper", read=True, update=True, delete=True, export=True),
            "matches/same.json": {
                "id": "same",
                "entity": "thing",
                "keys": {"name": {"field": "name", "compare": "company"}},
                "discloses": ["owner"],
                "protection_days": 30,
                "arbiters": ["keeper"],
            },
        }
    )
    with serving(tmp_path_factory.mktemp("desk"), PEOPLE, package) as served:
        for name in ("North", "South"):
            made = Write("create", "core.department", None, values={"name": name})
            write_record.write_now(served.host.db, served.host.work(), made)
        yield served.url


def enter(page: Page, who: str) -> None:
    page.goto("/sign-in")
    page.fill("[name=email]", f"{who}@example.com")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/")


def make(page: Page, **values: object) -> None:
    """A record by the API, as whoever is signed in."""
    status = page.evaluate(
        """async (values) => (await fetch("/api/v1/apps/desk/thing", {
            method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(values),
        })).status""",
        values,
    )
    assert status == 201


def kept(page: Page, name: str) -> dict[str, object]:
    """The record called `name`, as the API tells it."""
    found: list[dict[str, object]] = page.evaluate(
        """async (name) => (await (await fetch(
            `/api/v1/apps/desk/thing?limit=200`)).json()).items.filter((one) => one.name === name)""",
        name,
    )
    return found[0]


def open_cell(page: Page, field: str) -> None:
    cell_of(page, field).dblclick()
    expect(page.locator(".cell-form")).to_be_visible()


def keep_cell(page: Page) -> None:
    page.locator(".cell-form [type=submit]").click()
    expect(page.locator(".cell-form")).to_have_count(0)
    expect(page.locator(".cell-notice")).to_be_visible()


def test_tags_choices_links_and_addresses_are_changed_in_their_cells(desk: str, chromium: Chromium) -> None:
    page, recorder = chromium.open(desk)
    enter(page, "ada")
    make(page, name="Every cell")
    page.goto(f"{LIST}?name=Every cell")
    open_cell(page, "marks")
    assert axe_violations(page) == []
    page.keyboard.type("urgent")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    expect(cell_of(page, "marks").locator("> .pills, > .tag, > .tags")).to_contain_text("urgent")
    open_cell(page, "ways")
    page.locator(".cell-form .choice-chip").nth(1).click()
    page.locator(".cell-form .choice-chip").nth(2).click()
    keep_cell(page)
    expect(cell_of(page, "ways").locator(".pill, .tag")).to_have_count(2)
    open_cell(page, "teams")
    page.locator(".cell-form [role=combobox]").click()
    page.keyboard.press("Escape")  # closes the choices, not the cell
    expect(page.locator(".options:visible")).to_have_count(0)
    page.locator(".cell-form [role=combobox]").click()
    page.locator(".options:visible [role=option]").first.click()
    expect(page.locator(".cell-form .tag")).to_have_text("North×")
    keep_cell(page)
    open_cell(page, "teams")
    expect(page.locator(".cell-form .tag")).to_have_text("North×")
    page.keyboard.press("Escape")
    open_cell(page, "place")
    page.select_option(".cell-form [data-part=province]", index=1)
    page.select_option(".cell-form [data-part=city]", index=1)
    keep_cell(page)
    held = kept(page, "Every cell")
    assert (held["marks"], held["ways"]) == (["urgent"], ["rail", "road"])
    assert isinstance(held["place"], dict)
    assert held["place"]["city"]
    heads = page.locator("thead th").evaluate_all("(all) => all.map((one) => one.dataset.edits ?? '')")
    assert "story" not in heads
    recorder.assert_clean(page)


def test_a_row_that_leaves_the_filter_stays_greyed_until_the_next_load(desk: str, chromium: Chromium) -> None:
    page, recorder = chromium.open(desk)
    enter(page, "ada")
    make(page, name="Leaves soon", count=5)
    page.goto(f"{LIST}?name=Leaves soon&count=5")
    open_cell(page, "count")
    page.locator(".cell-form input[name=value]").fill("6")
    page.keyboard.press("Enter")
    row = page.locator("tbody tr")
    expect(row).to_have_class("is-out")
    expect(cell_of(page, "count")).to_contain_text("6")
    assert axe_violations(page) == []
    page.locator(".cell-notice button").click()
    expect(row).not_to_have_class("is-out")
    expect(cell_of(page, "count")).to_contain_text("5")
    recorder.assert_clean(page)


def test_every_control_is_set_on_many_records(desk: str, chromium: Chromium) -> None:
    page, recorder = chromium.open(desk)
    enter(page, "ada")
    for name in ("Bulk one", "Bulk two"):
        make(page, name=name, count=77)

    def fill(field: str) -> None:
        page.goto(f"{LIST}?count=77")
        page.locator(".pick").first.check()
        page.click("[data-pick-all]")
        page.click("button[value=edit]")
        page.wait_for_load_state("load")
        page.select_option("#bulk-field", field)
        page.wait_for_selector("#f-value-label")

    def run(said: str) -> None:
        page.click("button[value=look]")
        expect(page.locator(".bulk")).to_contain_text(said)
        page.click("button[value=run]")
        expect(page.locator(".notice")).to_contain_text("2")

    fill("marks")
    page.locator(".tag-line input").fill("blue")
    page.keyboard.press("Enter")
    run("blue")
    fill("ways")
    page.locator(".choice-chip").nth(0).click()
    run("sea")
    fill("teams")
    page.locator(".links-box [role=combobox]").click()
    page.locator(".options:visible [role=option]").nth(1).click()
    run("South")
    fill("place")
    page.select_option("[data-part=province]", index=1)
    run("")
    fill("story")
    page.locator("[contenteditable]").click()
    page.keyboard.type("A long story")
    run("A long story")
    held = kept(page, "Bulk two")
    assert (held["marks"], held["ways"]) == (["blue"], ["sea"])
    assert "A long story" in str(held["story"])
    assert held["place"]
    assert len(list(held["teams"])) == 1  # type: ignore[call-overload]
    recorder.assert_clean(page)


def test_a_conflict_goes_from_the_form_to_the_arbiter_and_back(desk: str, chromium: Chromium) -> None:
    page, _ = chromium.open(desk)
    enter(page, "clara")
    make(page, name="华云科技有限公司")
    rep, heard = chromium.open(desk, size=PHONE)
    enter(rep, "cody")
    rep.goto(f"{LIST}/new")
    rep.fill("#f-name", "华云（北京）科技")
    with rep.expect_popup() as asked:
        rep.locator("#duplicates a").click()
    form = asked.value
    assert axe_violations(form) == []
    form.fill("#f-reason", "上月已签意向书，对接人张经理。")
    form.click("main button[type=submit]")
    expect(form.locator(".claims")).to_contain_text("华云（北京）科技")
    arbiter, seen = chromium.open(desk)
    enter(arbiter, "kim")
    arbiter.locator("main a[href='/claims']").first.click()
    expect(arbiter.locator(".claims")).to_contain_text("上月已签意向书")
    assert axe_violations(arbiter) == []
    arbiter.locator("button[value=refuse]").first.click()
    expect(arbiter.locator("#error-summary")).to_be_visible()
    arbiter.locator("button[value=accept]").first.click()
    expect(arbiter.locator(".notice.tone-good")).to_be_visible()
    rep.goto(f"{LIST}?name=华云科技有限公司")
    expect(rep.locator("tbody tr")).to_have_count(1)
    rep.goto("/claims")
    expect(rep.locator(".claims .pill")).to_contain_text("Kim")
    seen.expected_status = {422}
    heard.assert_clean(rep)


def test_a_big_export_is_watched_and_downloads_and_a_small_one_needs_no_script(
    desk: str, chromium: Chromium, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, recorder = chromium.open(desk, javascript=False)
    enter(page, "kim")
    page.goto(LIST)
    page.click("#list-actions details summary")
    with page.expect_download() as small:
        page.click("#list-actions button[value=csv]")
    assert small.value.suggested_filename.endswith(".csv")
    monkeypatch.setattr(export_job, "AT_ONCE", 0)
    page, recorder = chromium.open(desk)
    enter(page, "kim")
    make(page, name="Exported thing")
    page.goto(f"{LIST}?name=Exported thing")
    page.click("#list-actions details summary")
    with page.expect_download() as big:
        page.click("#list-actions button[value=csv]")
    assert "Exported thing" in big.value.path().read_text("utf-8-sig")
    expect(page.locator("[data-fetch]")).to_be_visible()
    assert axe_violations(page) == []
    recorder.assert_clean(page)


def test_a_view_of_ones_own_is_renamed_opens_first_and_goes(desk: str, chromium: Chromium) -> None:
    page, recorder = chromium.open(desk, size=PHONE)
    enter(page, "ada")
    make(page, name="Seen in a view", count=9)
    page.goto(f"{LIST}?count=9")
    page.click("#list-menu summary")
    page.fill("#view-name", "Nines")
    page.keyboard.press("Enter")
    expect(page.locator(".views [aria-current]")).to_contain_text("Nines")
    page.click("#list-menu summary")
    page.fill("#view-rename", "Count nine")
    page.keyboard.press("Enter")
    expect(page.locator(".views [aria-current]")).to_contain_text("Count nine")
    page.click("#list-menu summary")
    page.click("#list-menu button[name=on]")
    page.goto(LIST)
    expect(page.locator(".views [aria-current]")).to_contain_text("Count nine")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator(".views a").first.click()  # all records are a tap away, whatever opens first
    expect(page.locator(".views [aria-current]")).not_to_contain_text("Count nine")
    page.click("text=Count nine")
    page.click("#list-menu summary")
    page.click("#list-menu .btn-danger")
    expect(page.locator(".views")).not_to_contain_text("Count nine")
    recorder.assert_clean(page)
