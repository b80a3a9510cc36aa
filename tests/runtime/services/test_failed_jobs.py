"""Jobs that were given up: listed with the reason, tried again under their own key, discarded with consent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from functools import partial
from pathlib import Path

import pytest

from dacheng.metadata.problem import Refused
from dacheng.plugins.context import User
from dacheng.runtime.host import Host
from dacheng.runtime.services import failed_jobs, outbox_worker
from dacheng.runtime.services.sign_in import RESET_JOB
from dacheng.runtime.storage import outbox
from tests.runtime.workspace import add, workspace

LONG_AGO = 1_000
KEY = "ann@example.com:1"


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    with workspace(tmp_path, database_url) as opened:
        opened.refresh()
        add(opened, "ann@example.com")
        queue(opened, KEY)
        assert outbox_worker.drain(opened) == 0
        yield opened


def queue(host: Host, key: str) -> bool:
    job = {"login": "ann@example.com", "locale": "en"}
    return host.db.write_now(lambda tx: outbox.put(tx, RESET_JOB, job, key, LONG_AGO))


def failed(host: Host) -> list[str]:
    found, total = host.db.read_now(partial(failed_jobs.list_failed, work=host.work()))
    assert total == len(found)
    return [each.key for each in found]


def number(host: Host, key: str = KEY) -> int:
    found, _ = host.db.read_now(partial(failed_jobs.list_failed, work=host.work()))
    return next(each.seq for each in found if each.key == key)


def mails(host: Host) -> list[str]:
    """The Message-IDs of what was sent."""
    files = (host.settings.data / "outbox").glob("*.eml")
    return [str(message_from_bytes(each.read_bytes())["Message-ID"]) for each in files]


def make_ready(host: Host) -> None:
    host.apply_settings(replace(host.settings, base_url="https://crm.example.com"))


def code(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.problems[0].code


def test_what_was_given_up_is_listed_with_its_reason_in_both_languages(host: Host) -> None:
    assert failed(host) == [KEY]
    found = host.db.read_now(partial(failed_jobs.get_failed, work=host.work(), number=number(host)))
    assert (found.kind, found.attempts, found.payload["login"]) == (RESET_JOB, 1, "ann@example.com")
    english, chinese = failed_jobs.reason_in(found, "en"), failed_jobs.reason_in(found, "zh-CN")
    assert "address" in english
    assert "邮件" in chinese


def test_a_retried_job_is_done_once_and_its_key_stays_taken(host: Host) -> None:
    make_ready(host)
    job = number(host)
    assert failed_jobs.retry(host, host.work(), job) == 1
    assert outbox_worker.drain(host) == 1
    assert (len(mails(host)), failed(host)) == (1, [])
    with pytest.raises(Refused) as refused:
        failed_jobs.retry(host, host.work(), job)
    assert code(refused) == "job.not_failed"
    assert not queue(host, KEY)
    assert (outbox_worker.drain(host), len(mails(host))) == (0, 1)


def test_a_job_whose_cause_lasts_fails_again_after_another_day_only(host: Host) -> None:
    assert failed_jobs.retry(host, host.work(), number(host)) == 1
    assert outbox_worker.drain(host) == 0
    assert failed(host) == []
    assert host.db.read_now(outbox.next_due) is not None


def test_all_are_retried_at_once(host: Host) -> None:
    queue(host, "second")
    outbox_worker.drain(host)
    assert sorted(failed(host)) == [KEY, "second"]
    make_ready(host)
    assert failed_jobs.retry(host, host.work()) == 2
    assert outbox_worker.drain(host) == 2
    assert len(set(mails(host))) == 2
    assert failed_jobs.retry(host, host.work()) == 0


def test_a_discarded_job_is_never_done_and_needs_consent(host: Host) -> None:
    make_ready(host)
    job = number(host)
    with pytest.raises(Refused) as refused:
        failed_jobs.discard(host, host.work(), job, consent=False)
    assert (code(refused), failed(host)) == ("job.consent_missing", [KEY])
    failed_jobs.discard(host, host.work(), job, consent=True)
    assert failed(host) == []
    with pytest.raises(Refused) as refused:
        failed_jobs.discard(host, host.work(), job, consent=True)
    assert code(refused) == "job.not_failed"
    assert failed_jobs.retry(host, host.work()) == 0
    assert not queue(host, KEY)
    assert (outbox_worker.drain(host), mails(host)) == (0, [])


def test_a_mail_tried_twice_carries_one_message_id(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    make_ready(host)
    failed_jobs.retry(host, host.work(), number(host))
    with monkeypatch.context() as patched:
        patched.setattr(
            outbox, "done", lambda tx, job, now: outbox.fail(tx, job, "cut off", now, for_good=True)
        )
        outbox_worker.drain(host)
    failed_jobs.retry(host, host.work(), number(host))
    for each in (host.settings.data / "outbox").glob("*.eml"):
        each.rename(each.with_name("first.eml"))
    assert outbox_worker.drain(host) == 1
    sent = mails(host)
    assert (len(sent), len(set(sent))) == (2, 1)


def test_t11_failed_jobs_are_for_administrators(host: Host) -> None:
    work = host.work(User("u", "Ann", frozenset({"core.member"})))
    for refused_call in (
        lambda: host.db.read_now(partial(failed_jobs.list_failed, work=work)),
        lambda: host.db.read_now(partial(failed_jobs.get_failed, work=work, number=1)),
        lambda: failed_jobs.retry(host, work),
        lambda: failed_jobs.discard(host, work, 1, consent=True),
    ):
        with pytest.raises(Refused) as refused:
            refused_call()
        assert code(refused) == "access.not_permitted"
    assert failed(host) == [KEY]
