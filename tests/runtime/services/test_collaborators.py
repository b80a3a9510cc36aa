"""People working on a record: part of the row rule everywhere, given by who may change it, never with more than that."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from dacheng.metadata.problem import Refused
from dacheng.plugins.context import User
from dacheng.runtime.services import collaborators, measure, read_records, search, write_record
from dacheng.runtime.services.directory import Directory
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.save_plan import Write
from dacheng.runtime.services.work import Work, work_for
from dacheng.runtime.storage import change_log, query
from dacheng.runtime.storage.reader import Reader
from tests.runtime.services.test_write_record import ORDER, codes, order
from tests.runtime.services.together import with_roles
from tests.runtime.services.workspace import KINDS, Workspace

LINE = "shop.order_line"


def as_now(shop: Workspace, who: str) -> Work:
    """A person with everything that is shared with them by now, as a request finds them."""
    work = shop.work(who)
    assert isinstance(work.context.actor, User)
    person = shop.read(
        lambda r: Directory().at(r, shop.model, shop.model.versions).person(r, shop.model, shop.people[who])
    )
    assert person is not None
    context = replace(work.context, actor=replace(work.context.actor, shared=person.user.shared))
    return work_for(context, shop.model, KINDS, shop.hooks)


def give(shop: Workspace, who: str, record: str, to: str, right: str = "read") -> None:
    work = as_now(shop, who)
    user = shop.people.get(to, to)
    shop.db.write_now(
        partial(collaborators.give, work=work, ref=ORDER, record_id=record, user=user, right=right)
    )


def take(shop: Workspace, who: str, record: str, of: str) -> None:
    work = as_now(shop, who)
    shop.db.write_now(
        partial(collaborators.take, work=work, ref=ORDER, record_id=record, user=shop.people[of])
    )


def listed(shop: Workspace, who: str, ref: str = ORDER) -> list[str]:
    work = as_now(shop, who)
    return sorted(shop.read(lambda r: read_records.list_page(r, work, Query(ref, ("id",)))).ids)


def saved(shop: Workspace, who: str, record: str, values: dict[str, object]) -> None:
    from_now = as_now(shop, who)
    write_record.write_now(shop.db, from_now, Write("update", ORDER, record, values))


def test_a_shared_record_is_seen_everywhere_its_rows_are(shop: Workspace) -> None:
    with_roles(shop)
    mine, hers = order(shop, "cody", "B-1"), order(shop, number="A-1")
    assert listed(shop, "cody") == [mine]
    give(shop, "clara", hers, "cody")
    work = as_now(shop, "cody")
    assert listed(shop, "cody") == sorted([mine, hers])
    assert len(listed(shop, "cody", LINE)) == 4
    found = shop.read(lambda r: read_records.get(r, work, ORDER, hers))
    assert len(found.lines["lines"]) == 2
    assert "update" not in found.may
    assert shop.read(lambda r: read_records.count(r, work, Query(ORDER, ("id",)))) == 2
    assert {hit.id for hit in shop.read(lambda r: search.find(r, work, "A-1", (ORDER,)))} == {hers}
    total = shop.read(lambda r: measure.run(r, work, "shop.paid_count", None, measure.Filters(), 10))
    assert total.values
    take(shop, "clara", hers, "cody")
    assert listed(shop, "cody") == [mine]
    with pytest.raises(Refused) as refused:
        shop.read(lambda r: read_records.get(r, as_now(shop, "cody"), ORDER, hers))
    assert codes(refused) == {"": "record.missing"}


def test_only_with_the_right_to_write_a_record_is_changed_and_never_given_away(shop: Workspace) -> None:
    with_roles(shop)
    record = order(shop)
    give(shop, "clara", record, "cody")
    with pytest.raises(Refused) as refused:
        saved(shop, "cody", record, {"ordered_on": "2026-03-01"})
    assert codes(refused) == {"": "access.not_permitted"}
    give(shop, "clara", record, "cody", "write")
    saved(shop, "cody", record, {"ordered_on": "2026-03-01"})
    with pytest.raises(Refused) as refused:
        saved(shop, "cody", record, {"owner": shop.people["cody"]})
    assert codes(refused) == {"/owner": "collaborator.not_owner"}
    with pytest.raises(Refused):
        shop.save("cody", "delete", ORDER, record)


def test_t13_nobody_gives_what_they_do_not_hold(shop: Workspace) -> None:
    with_roles(shop)
    record = order(shop)
    for other in ("gus", "kim", "01900000-0000-7000-8000-000000000000", "no id"):
        with pytest.raises(Refused) as refused:
            give(shop, "clara", record, other)
        assert codes(refused) == {"/user": "collaborator.unknown_person"}
    with pytest.raises(Refused) as refused:
        give(shop, "cody", record, "cody", "write")
    assert codes(refused) == {"": "record.missing"}
    give(shop, "clara", record, "cody")
    with pytest.raises(Refused) as refused:
        give(shop, "cody", record, "cody", "write")
    assert codes(refused) == {"": "access.not_permitted"}
    work = as_now(shop, "clara")
    assert shop.read(lambda r: collaborators.candidates(r, work, ORDER)) == [(shop.people["cody"], "Cody")]
    with pytest.raises(Refused) as refused:
        give(shop, "clara", record, "cody", "delete")
    assert codes(refused) == {"/right": "collaborator.unknown_right"}


def test_who_comes_and_goes_is_logged_and_one_may_leave_by_oneself(shop: Workspace) -> None:
    with_roles(shop)
    record = order(shop)
    give(shop, "clara", record, "cody")
    give(shop, "clara", record, "cody", "write")
    take(shop, "cody", record, "cody")
    log = shop.read(lambda r: change_log.read(r, collaborators.LOGGED_AS, shop.people["cody"]))
    assert [(row.action, row.changes["right"], row.parent) for row in log] == [
        ("delete", ["write", None], record),
        ("update", ["read", "write"], record),
        ("create", [None, "read"], record),
    ]


def test_nobody_names_the_rule_from_outside(shop: Workspace) -> None:
    with_roles(shop)
    record = order(shop)
    give(shop, "clara", record, "cody")
    work = as_now(shop, "cody")
    for name in ("_collaborators", "_misspelt"):
        condition = {"some": [{"var": name}, {"==": [{"var": "user"}, shop.people["kim"]]}]}
        with pytest.raises(Refused) as refused:
            shop.read(partial(read_records.count, work=work, asked=Query(ORDER, ("id",), condition)))
        assert {each.code for each in refused.value.problems} == {"expression.unknown_variable"}


def test_who_works_on_nothing_asks_as_before(shop: Workspace) -> None:
    with_roles(shop)
    record = order(shop)
    before = shop.work("cody").policy
    give(shop, "clara", record, "cody")
    assert shop.work("clara").policy is as_now(shop, "clara").policy
    assert as_now(shop, "cody").policy.hash != before.hash
    take(shop, "clara", record, "cody")
    assert as_now(shop, "cody").policy is before


def plans(reader: Reader, shop: Workspace) -> list[str]:
    """How the database carries out every question kept for orders, large tables taken for granted."""
    found = []
    if reader.dialect == "postgresql":
        reader._link.driver.execute("SET LOCAL enable_seqscan = off")
    for ready in query.kept(shop.model.tables.entity(ORDER))._entries.values():
        for statement in ready.statements:
            text, names, defaults = statement.text(reader._link.dialect)
            given = {name: defaults.get(name) or (1 if name == "limit" else "x") for name in names}
            sqlite = reader.dialect == "sqlite"
            rows = reader.fetch(
                ("EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN ") + text,
                [given[name] for name in names] if sqlite else given,
            )
            found.append("; ".join(str(row[-1]) for row in rows))
    return found


def test_a_collaborators_question_is_answered_by_two_indexes(shop: Workspace) -> None:
    with_roles(shop)
    give(shop, "clara", order(shop), "cody")
    shop.model.tables.entity(ORDER).prepared.pop("queries", None)
    work = as_now(shop, "cody")
    asked = Query(ORDER, ("number",), sort=("-updated_at",), limit=20)
    shop.read(lambda r: read_records.list_page(r, work, asked))
    shop.read(lambda r: read_records.count(r, work, Query(ORDER, ("id",))))
    found = shop.read(lambda r: plans(r, shop))
    assert len(found) == 2
    for plan in found:
        assert "_collaborator_user" in plan
        assert ("MULTI-INDEX OR" if shop.db.dialect == "sqlite" else "InitPlan 1") in plan
        assert "SubPlan" not in plan  # asked once, not for each row
