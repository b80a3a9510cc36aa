"""Accounts on both databases: sign-in, sessions, roles, tokens, resets. T26, T27, T29, T35 of the services."""

import asyncio
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dacheng.metadata.problem import Refused
from dacheng.plugins.context import Anonymous, User
from dacheng.runtime.host import Host
from dacheng.runtime.services import outbox_worker, setup, sign_in, tokens, users, write_record
from dacheng.runtime.services.sessions import Credentials
from dacheng.runtime.services.users import NewUser
from dacheng.runtime.services.write_record import Write
from tests.runtime.workspace import PASSWORD, add, workspace

ADDRESS = "203.0.113.7"


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path, url, base_url="https://crm.example.com") as opened:
        yield opened


def enter(host: Host, email: str, password: str = PASSWORD, **more: Any) -> str:
    address = more.pop("address", ADDRESS)
    return asyncio.run(sign_in.sign_in(host, email, password, address=address, **more)).session


def who(host: Host, *, session: str = "", token: str = "", now: datetime | None = None) -> Any:
    asked = Credentials(session=session, token=token)
    return asyncio.run(host.work_for(asked, now=now)).context.actor


def code(error: pytest.ExceptionInfo[Refused]) -> str:
    return error.value.problems[0].code


def test_a_person_signs_in_and_is_recognised_with_roles(host: Host) -> None:
    user = add(host, "Lin@Example.com", "core.admin")
    session = enter(host, "lin@example.com ")
    actor = who(host, session=session)
    assert isinstance(actor, User)
    assert (actor.id, actor.roles) == (user, frozenset({"core.admin"}))
    assert isinstance(who(host, session=session + "x"), Anonymous)
    assert isinstance(who(host), Anonymous)


def test_secrets_are_stored_as_hashes_alone(host: Host, tmp_path: Path) -> None:
    user = add(host, "lin@example.com", "core.member")
    secrets = [enter(host, "lin@example.com"), sign_in.invite(host, user)]
    secrets.append(tokens.create_token(host, host.work(), user, "script"))
    if host.db.path is not None:
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("dacheng.db*"))
        assert not [each for each in [*secrets, PASSWORD] if each.encode() in stored]


def test_sessions_end_by_disuse_and_by_age(host: Host) -> None:
    add(host, "lin@example.com", "core.member")
    start = datetime.now(UTC)
    session = enter(host, "lin@example.com", now=start)
    assert isinstance(who(host, session=session, now=start + timedelta(hours=11)), User)
    assert isinstance(who(host, session=session, now=start + timedelta(hours=22)), User)
    assert isinstance(who(host, session=session, now=start + timedelta(hours=35)), Anonymous)
    busy = enter(host, "lin@example.com", now=start)
    for hours in range(0, 24 * 14, 10):
        assert isinstance(who(host, session=busy, now=start + timedelta(hours=hours)), User)
    assert isinstance(who(host, session=busy, now=start + timedelta(days=14, minutes=1)), Anonymous)


def test_t27_a_session_is_new_at_sign_in_and_dead_after_sign_out(host: Host) -> None:
    add(host, "lin@example.com", "core.member")
    first = enter(host, "lin@example.com")
    second = enter(host, "lin@example.com", old_session=first)
    assert first != second
    assert isinstance(who(host, session=first), Anonymous)
    asyncio.run(sign_in.sign_out(host, second))
    assert isinstance(who(host, session=second), Anonymous)


@pytest.mark.parametrize("how", ["suspend", "reset", "record", "delete"])
def test_t27_sessions_and_tokens_die_with_suspension_and_reset(host: Host, how: str) -> None:
    add(host, "boss@example.com", "core.admin")
    user = add(host, "lin@example.com", "core.member")
    session = enter(host, "lin@example.com")
    token = tokens.create_token(host, host.work(), user, "script")
    assert isinstance(who(host, token=token), User)
    if how == "suspend":
        users.suspend(host, host.work(), user)
    elif how == "reset":
        link = sign_in.invite(host, user)
        asyncio.run(sign_in.finish_reset(host, link, "another-lamp-48-fish"))
    elif how == "record":
        write = Write("update", "core.user", id=user, values={"status": "suspended"})
        write_record.write_now(host.db, host.work(), write)
    else:
        write_record.write_now(host.db, host.work(), Write("delete", "core.user", id=user))
    assert isinstance(who(host, session=session), Anonymous)
    assert isinstance(who(host, token=token), Anonymous)
    if how != "reset":
        with pytest.raises(Refused):
            enter(host, "lin@example.com")


def test_t27_a_role_change_ends_sessions_and_counts_at_once(host: Host) -> None:
    add(host, "boss@example.com", "core.admin")
    user = add(host, "lin@example.com", "core.member")
    session = enter(host, "lin@example.com")
    token = tokens.create_token(host, host.work(), user, "script")
    users.grant_role(host, host.work(), user, "core.admin")
    assert isinstance(who(host, session=session), Anonymous)
    assert "core.admin" in who(host, token=token).roles
    users.revoke_role(host, host.work(), user, "admin")
    assert who(host, token=token).roles == {"core.member"}


def test_a_revoked_token_is_dead(host: Host) -> None:
    user = add(host, "lin@example.com", "core.member")
    token = tokens.create_token(host, host.work(), user, "script")
    (row,) = host.db.read_now(lambda reader: tokens.list_tokens(reader, host.work(), user))
    tokens.revoke_token(host, host.work(), user, row.id)
    assert isinstance(who(host, token=token), Anonymous)


@pytest.mark.parametrize("email", ["lin@example.com", "nobody@example.com", "", None, {}, ["x"], 5])
def test_t29_every_failure_reads_the_same(host: Host, email: Any) -> None:
    add(host, "lin@example.com", "core.member")
    with pytest.raises(Refused) as refused:
        asyncio.run(sign_in.sign_in(host, email, "wrong-lamp-47-fish", address=ADDRESS))
    assert code(refused) == "account.sign_in_failed"
    assert refused.value.problems[0].params == {}


def test_t29_ten_tries_then_wait_per_account_and_address(host: Host) -> None:
    add(host, "lin@example.com", "core.member")
    for _ in range(10):
        with pytest.raises(Refused) as refused:
            enter(host, "lin@example.com", "wrong")
        assert code(refused) == "account.sign_in_failed"
    with pytest.raises(Refused) as refused:
        enter(host, "LIN@example.com ")
    assert code(refused) == "account.too_many_tries"
    assert refused.value.category == "limited"
    assert enter(host, "lin@example.com", address="203.0.113.8")


@pytest.mark.parametrize("token", ["", None, {}, [], "x", 0, True])
def test_t26_reset_tokens_are_strict(host: Host, token: Any) -> None:
    with pytest.raises(Refused) as refused:
        asyncio.run(sign_in.finish_reset(host, token, "another-lamp-48-fish"))
    assert code(refused) == "account.reset_invalid"


def test_t26_a_reset_link_works_once_in_time_and_leads_to_the_configured_address(
    host: Host, tmp_path: Path
) -> None:
    add(host, "lin@example.com", "core.member")
    for email in ("lin@example.com", "nobody@example.com"):
        asyncio.run(sign_in.request_reset(host, email, address=ADDRESS, locale="zh-CN"))
    assert outbox_worker.drain(host) == 2
    (mail,) = (tmp_path / "outbox").glob("*.eml")
    message = message_from_bytes(mail.read_bytes(), policy=policy.default)
    assert message["To"] == "lin@example.com"
    text = message.get_content()
    start = text.index("https://crm.example.com/reset?token=")
    token = text[start:].split("\n", 1)[0].split("token=", 1)[1].strip()
    late = datetime.now(UTC) + timedelta(minutes=31)
    for password, moment in (("another-lamp-48-fish", late), ("password", None)):
        with pytest.raises(Refused):
            asyncio.run(sign_in.finish_reset(host, token, password, now=moment))
    asyncio.run(sign_in.finish_reset(host, token, "another-lamp-48-fish"))
    with pytest.raises(Refused) as refused:
        asyncio.run(sign_in.finish_reset(host, token, "third-lamp-49-fish"))
    assert code(refused) == "account.reset_invalid"
    assert enter(host, "lin@example.com", "another-lamp-48-fish")


def test_no_mail_is_promised_until_the_address_is_set(tmp_path: Path) -> None:
    with workspace(tmp_path) as host:
        with pytest.raises(Refused) as refused:
            asyncio.run(sign_in.request_reset(host, "a@b.cn", address=ADDRESS, locale="en"))
        assert code(refused) == "account.mail_needs_base_url"


def test_changing_the_password_proves_the_old_one_and_ends_other_sessions(host: Host) -> None:
    add(host, "lin@example.com", "core.member")
    other, own = enter(host, "lin@example.com"), enter(host, "lin@example.com")
    work = asyncio.run(host.work_for(Credentials(session=own)))
    with pytest.raises(Refused) as refused:
        asyncio.run(sign_in.change_password(host, work, "wrong", "another-lamp-48-fish"))
    assert code(refused) == "account.old_password_wrong"
    fresh = asyncio.run(sign_in.change_password(host, work, PASSWORD, "another-lamp-48-fish"))
    assert [isinstance(who(host, session=s), User) for s in (other, own, fresh)] == [False, False, True]


def test_nobody_grants_what_they_do_not_hold(host: Host) -> None:
    add(host, "boss@example.com", "core.admin")
    user = add(host, "lin@example.com", "core.member")
    other = add(host, "mei@example.com")
    work = asyncio.run(host.work_for(Credentials(session=enter(host, "lin@example.com"))))
    new = NewUser("x@y.cn", "X", ("core.admin",), PASSWORD)
    attempts: tuple[Callable[[], object], ...] = (
        partial(users.grant_role, host, work, user, "core.admin"),
        partial(users.grant_role, host, work, other, "core.admin"),
        partial(users.suspend, host, work, other),
        partial(users.add_user, host, work, new),
        partial(tokens.create_token, host, work, other, "mine now"),
    )
    for attempt in attempts:
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.category == "forbidden"
    assert who(host, session=enter(host, "mei@example.com")).roles == frozenset()


def test_the_last_administrator_stays(host: Host) -> None:
    boss = add(host, "boss@example.com", "core.admin")
    for attempt in (
        partial(users.suspend, host, host.work(), boss),
        partial(users.revoke_role, host, host.work(), boss, "admin"),
    ):
        with pytest.raises(Refused) as refused:
            attempt()
        assert code(refused) == "account.last_admin"
    assert "core.admin" in who(host, session=enter(host, "boss@example.com")).roles


def test_one_address_signs_in_as_one_person(host: Host) -> None:
    add(host, "lin@example.com")
    with pytest.raises(Refused) as refused:
        add(host, " LIN@example.com")
    assert code(refused) == "account.email_taken"


def test_t35_set_up_is_open_once(host: Host) -> None:
    assert setup.is_open(host)
    old, token = setup.offer_token(host), setup.offer_token(host)
    wrongs: tuple[Any, ...] = (old, "", None, {}, "x" * 43)
    for wrong in wrongs:
        with pytest.raises(Refused) as refused:
            setup.first_admin(host, wrong, email="a@b.cn", name="A", password=PASSWORD)
        assert code(refused) == "account.setup_invalid"
    setup.first_admin(host, token, email="a@b.cn", name="A", password=PASSWORD)
    assert not setup.is_open(host)
    assert setup.offer_token(host) is None
    with pytest.raises(Refused) as refused:
        setup.first_admin(host, token, email="c@d.cn", name="C", password=PASSWORD)
    assert refused.value.category == "missing"


def test_t35_twenty_set_ups_at_once_make_one_administrator(host: Host) -> None:
    token = setup.offer_token(host)
    made: list[str] = []
    refused: list[str] = []

    def claim(number: int) -> None:
        try:
            made.append(
                setup.first_admin(
                    host,
                    token,
                    email=f"a{number}@b.cn",
                    name="A",
                    password=PASSWORD,
                    address=f"203.0.113.{number}",
                )
            )
        except Refused as error:
            refused.append(error.problems[0].code)

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert set(refused) <= {"account.setup_closed", "account.setup_invalid", "storage.version_moved"}
    with_role = host.db.read_now(lambda r: users.list_accounts(r, host.work()))
    assert [each.roles for each in with_role] == [("core.admin",)]


def test_t29_unknown_and_known_accounts_cost_the_same(tmp_path: Path) -> None:
    with workspace(tmp_path, sign_in_tries=1000, sign_in_tries_per_address=10_000) as host:
        add(host, "lin@example.com", "core.member")
        times: dict[str, list[float]] = {"lin@example.com": [], "nobody@example.com": []}
        for _ in range(15):
            for email, taken in times.items():
                start = time.process_time()  # work, not waiting: other tests share the machine
                with pytest.raises(Refused):
                    enter(host, email, "wrong-lamp-47-fish")
                taken.append(time.process_time() - start)
        known, unknown = (statistics.median(taken) for taken in times.values())
        assert abs(known - unknown) < 0.010
