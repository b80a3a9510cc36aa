"""Failed jobs over HTTP: the page and the API for administrators, and nobody else."""

from __future__ import annotations

from functools import partial

from dacheng.runtime.services import outbox_worker
from dacheng.runtime.services.sign_in import RESET_JOB
from dacheng.runtime.storage import outbox
from tests.security.conftest import Workspace, codes

PAGE, API = "/settings/jobs", "/api/v1/jobs/failed"


def fail(workspace: Workspace, *keys: str) -> None:
    """Queue mails long ago that cannot leave, and let the worker give them up."""
    outbox_worker.drain(workspace.host)  # whatever else is due: the holidays of a new workspace
    for key in keys:
        job = {"login": "rep@example.com", "locale": "en"}
        workspace.host.db.write_now(partial(outbox.put, kind=RESET_JOB, payload=job, key=key, now=1_000))
    assert outbox_worker.drain(workspace.host) == 0


def test_the_page_lists_retries_and_discards_with_consent(workspace: Workspace) -> None:
    admin = workspace.browser("admin")
    assert "No job has failed" in admin.get(PAGE, headers={"accept-language": "en"}).text
    assert "没有失败的任务" in admin.get(PAGE, headers={"accept-language": "zh-CN"}).text
    fail(workspace, "one", "two")
    listed = admin.get(PAGE, headers={"accept-language": "zh-CN"}).text
    assert listed.count("重置密码邮件") == 2
    assert "全部重试" in listed
    first, second = sorted(each["number"] for each in workspace.program("admin").get(API).json()["items"])
    shown = admin.get(f"{PAGE}/{first}").text
    assert "rep@example.com" in shown
    refused = admin.post(f"{PAGE}/{first}/discard", data={})
    assert refused.status_code == 422
    assert admin.post(f"{PAGE}/{first}/discard", data={"consent": "yes"}).headers["location"] == PAGE
    assert admin.get(f"{PAGE}/{first}").status_code == 404
    assert admin.post(f"{PAGE}/{second}/retry").status_code == 303
    assert admin.post(f"{PAGE}/{second}/retry").status_code == 404
    fail(workspace, "three", "four")
    assert admin.post(f"{PAGE}/retry").status_code == 303
    assert workspace.program("admin").get(API).json() == {"items": [], "total": 0}


def test_the_api_lists_shows_retries_and_discards(workspace: Workspace) -> None:
    admin = workspace.program("admin")
    fail(workspace, "one", "two", "three")
    answer = admin.get(API).json()
    assert ([each["key"] for each in answer["items"]], answer["total"]) == (["three", "two", "one"], 3)
    number = answer["items"][0]["number"]
    shown = admin.get(f"{API}/{number}").json()
    assert (shown["kind"], shown["tries"], shown["payload"]["login"]) == (RESET_JOB, 1, "rep@example.com")
    assert admin.post(f"{API}/{number}/retry").json() == {"retried": 1}
    assert codes(admin.post(f"{API}/{number}/retry")) == ["job.not_failed"]
    number = answer["items"][1]["number"]
    assert codes(admin.post(f"{API}/{number}/discard", json={"consent": False})) == ["job.consent_missing"]
    assert codes(admin.post(f"{API}/{number}/discard", json={})) == ["web.form_incomplete"]
    assert admin.post(f"{API}/{number}/discard", json={"consent": True}).status_code == 204
    assert codes(admin.get(f"{API}/{number}")) == ["job.not_failed"]
    for wrong in ("x", "-1", "9" * 19):
        assert codes(admin.get(f"{API}/{wrong}")) == ["web.not_found"]
    assert admin.post(f"{API}/retry").json() == {"retried": 1}
    assert admin.post(f"{API}/retry").json() == {"retried": 0}


def test_t11_only_administrators_reach_failed_jobs(workspace: Workspace) -> None:
    fail(workspace, "one")
    for who in ("manager", "rep", "member"):
        program, page = workspace.program(who), workspace.browser(who)
        for number in (1, 999):
            answers = [
                program.get(API),
                program.get(f"{API}/{number}"),
                program.post(f"{API}/{number}/retry"),
                program.post(f"{API}/{number}/discard", json={"consent": True}),
                page.get(f"{PAGE}/{number}"),
                page.post(f"{PAGE}/{number}/discard", data={"consent": "yes"}),
            ]
            assert {each.status_code for each in answers} == {403}, who
        assert PAGE not in page.get("/settings").text
    assert workspace.program("admin").get(API).json()["total"] == 1
