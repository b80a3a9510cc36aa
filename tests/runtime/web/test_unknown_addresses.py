"""Addresses that lead nowhere: the frame stays for whoever is signed in, the API says it as a problem document."""

from __future__ import annotations

from dacheng.runtime.services import users
from tests.security.conftest import OWN, Workspace, codes

NAVIGATION = 'href="/settings"'
HERE, WRONG = "/apps/sales_management/nothing/at/all", "/settings/people/new/and/more"


def test_whoever_is_signed_in_keeps_the_navigation_on_unknown_addresses_and_methods(
    workspace: Workspace,
) -> None:
    for who in ("admin", "rep"):
        page = workspace.browser(who)
        for address in (HERE, WRONG, "/nothing"):
            answer = page.get(address)
            assert (answer.status_code, NAVIGATION in answer.text) == (404, True), address
        answer = page.request("DELETE", "/settings")
        assert (answer.status_code, NAVIGATION in answer.text) == (405, True)
        assert answer.headers["allow"]
    assert "/settings/people" not in workspace.browser("rep").get(HERE).text


def test_the_language_of_the_person_is_spoken_on_unknown_addresses(workspace: Workspace) -> None:
    page = workspace.browser("rep")
    assert "没有找到" in page.get(HERE, headers={"accept-language": "zh-CN"}).text


def test_t09_nobody_signed_in_gets_one_bare_page_for_every_unknown_address(workspace: Workspace) -> None:
    nobody = workspace.nobody()
    texts = set()
    for address in (HERE, WRONG, "/nothing"):
        answer = nobody.get(address)
        assert answer.status_code == 404
        assert NAVIGATION not in answer.text
        texts.add(answer.text.replace(address, "…"))
    assert len(texts) == 1
    records = [workspace.some("account")["id"], "0" * 8 + "-0000-0000-0000-" + "0" * 12]
    answers = [nobody.get(f"/apps/sales_management/account/{each}") for each in records]
    assert [each.status_code for each in answers] == [303, 303]
    assert len({a.headers["location"].replace(r, "…") for a, r in zip(answers, records, strict=True)}) == 1


def test_a_session_that_ended_gets_the_bare_page(workspace: Workspace) -> None:
    page = workspace.browser("other")
    users.suspend(workspace.host, workspace.host.work(), workspace.ids["other"])
    answer = page.get(HERE)
    assert (answer.status_code, NAVIGATION in answer.text) == (404, False)


def test_the_api_answers_unknown_addresses_with_a_problem_document(workspace: Workspace) -> None:
    for client in (workspace.program("admin"), workspace.browser("admin"), workspace.nobody()):
        assert codes(client.get("/api/v1/nothing")) == ["web.not_found"]
        answer = client.request("DELETE", "/api/v1/me", headers=OWN)
        assert (answer.status_code, codes(answer)) == (405, ["web.method_not_allowed"])
