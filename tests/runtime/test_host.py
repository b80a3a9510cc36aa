"""The host: what is current at each request, in every process; a second writer; a broken start."""

import asyncio
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dacheng.metadata.problem import Refused, refuse
from dacheng.plugins.context import User
from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, marketplace, sign_in, users, write_record
from dacheng.runtime.services.sessions import Credentials
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.settings import load_settings
from dacheng.runtime.storage.reader import Transaction
from tests.runtime.workspace import PASSWORD, add, workspace


def test_a_second_writer_is_refused_in_a_sentence_and_a_reader_is_not(tmp_path: Path) -> None:
    with workspace(tmp_path):
        settings = load_settings({"data": tmp_path}, {})
        with pytest.raises(Refused) as refused:
            Host.open(settings, plugins={})
        assert refused.value.problems[0].code == "storage.second_writer"
        reading = Host.open(settings, plugins={}, read_only=True)
        assert "core" in reading.model().catalogue.apps
        reading.close()


def test_reading_an_empty_folder_creates_nothing(tmp_path: Path) -> None:
    settings = load_settings({"data": tmp_path / "none"}, {})
    with pytest.raises(Refused) as refused:
        Host.open(settings, plugins={}, read_only=True)
    assert refused.value.problems[0].code == "host.no_workspace"
    assert not (tmp_path / "none").exists()


def test_another_process_sees_an_install_and_a_role_at_its_next_request(
    tmp_path: Path, postgres_url: str
) -> None:
    with workspace(tmp_path / "a", postgres_url) as first, workspace(tmp_path / "b", postgres_url) as second:
        add(first, "boss@example.com", "core.admin")
        user = add(first, "lin@example.com", "core.member")
        entered = asyncio.run(sign_in.sign_in(first, "lin@example.com", PASSWORD, address="1.2.3.4"))
        asked = Credentials(session=entered.session)
        work = asyncio.run(second.work_for(asked))
        assert "sales_management" not in work.model.catalogue.apps
        candidate = marketplace.offered_package(first, "sales_management")
        install_app.install(first, first.work(), candidate, sample=False)
        assert "sales_management" in asyncio.run(second.work_for(asked)).model.catalogue.apps
        users.grant_role(first, first.work(), user, "sales_rep")
        assert asyncio.run(second.work_for(asked)).context.actor.id == "anonymous"


def test_t27_a_role_that_was_taken_while_a_request_waited_writes_nothing(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking who asks and the write, somebody else's request brings the host up to date."""
    with workspace(tmp_path, database_url if database_url.startswith("postgresql") else "") as host:
        add(host, "boss@example.com", "core.admin")
        user = add(host, "lin@example.com", "core.admin")
        entered = asyncio.run(sign_in.sign_in(host, "lin@example.com", PASSWORD, address="1.2.3.4"))
        noting = host.db.write

        async def meanwhile(work: Callable[[Transaction], None], urgent: bool = True) -> None:
            monkeypatch.setattr(host.db, "write", noting)
            await asyncio.to_thread(users.revoke_role, host, host.work(), user, "core.admin")
            host.refresh()
            await noting(work, urgent)

        monkeypatch.setattr(host.db, "write", meanwhile)
        later = datetime.now(UTC) + timedelta(minutes=20)  # the session's use is noted then
        work = asyncio.run(host.work_for(Credentials(session=entered.session), now=later))
        assert work.policy.admin  # looked up before
        write = Write("create", "core.department", values={"name": "mine"})
        with pytest.raises(Refused) as refused:
            write_record.write_now(host.db, work, write)
        assert [each.code for each in refused.value.problems] == ["storage.version_moved"]


def test_departments_below_ones_own_follow_the_tree(tmp_path: Path) -> None:
    with workspace(tmp_path) as host:

        def department(name: str, parent: str | None = None) -> str:
            write = Write("create", "core.department", values={"name": name, "parent": parent})
            return write_record.write_now(host.db, host.work(), write).id

        top = department("top")
        below = department("below", top)
        add(host, "lin@example.com", "core.member", values={"department": top})
        entered = asyncio.run(sign_in.sign_in(host, "lin@example.com", PASSWORD, address="1.2.3.4"))
        asked = Credentials(session=entered.session)
        actor = asyncio.run(host.work_for(asked)).context.actor
        assert isinstance(actor, User)
        assert set(actor.departments) == {top, below}
        deep = department("deep", below)
        actor = asyncio.run(host.work_for(asked)).context.actor
        assert isinstance(actor, User)
        assert set(actor.departments) == {top, below, deep}


def test_a_write_on_moved_definitions_is_tried_once_more_then_given_up(tmp_path: Path) -> None:
    with workspace(tmp_path) as host:

        async def again() -> Work:
            return host.work()

        for failures, expected in ((1, 2), (5, 2)):
            tries: list[Work] = []

            async def action(work: Work, tries: list[Work] = tries, failures: int = failures) -> str:
                tries.append(work)
                if len(tries) <= failures:
                    raise refuse("storage.version_moved")
                return "saved"

            if failures == 1:
                assert asyncio.run(host.retrying(host.work(), action, again)) == "saved"
            else:
                with pytest.raises(Refused) as refused:
                    asyncio.run(host.retrying(host.work(), action, again))
                assert refused.value.category == "conflict"
            assert len(tries) == expected


def test_a_request_costs_one_small_read(tmp_path: Path) -> None:
    with workspace(tmp_path) as host:
        add(host, "lin@example.com", "core.member")
        entered = asyncio.run(sign_in.sign_in(host, "lin@example.com", PASSWORD, address="1.2.3.4"))
        asked = Credentials(session=entered.session)

        async def many() -> list[float]:
            times = []
            for _ in range(200):
                start = time.perf_counter()
                await host.work_for(asked)
                times.append(time.perf_counter() - start)
            return times

        assert statistics.median(asyncio.run(many())) < 0.005
