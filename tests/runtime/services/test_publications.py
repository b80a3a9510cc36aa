"""Published forms on both databases: the link makes its record, reads nothing, and is counted once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from dacheng.metadata.problem import Refused
from dacheng.plugins.context import User
from dacheng.runtime.services import publications, read_records, write_record
from dacheng.runtime.services.policy import compile_policy
from dacheng.runtime.services.publications import Publication, Sent, Terms
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Transaction
from tests.runtime.services.test_write_record import codes
from tests.runtime.services.workspace import Workspace

BUYER = "shop.buyer"


def admin(shop: Workspace) -> Work:
    """An administrator's frame."""
    actor = User(shop.people["kim"], "Kim", frozenset({"core.admin"}))
    plain = shop.work("kim")
    context = shop.context(actor)
    return replace(plain, context=context, policy=compile_policy(shop.model.catalogue, actor))


def published(shop: Workspace, fields: tuple[str, ...] = ("name",)) -> Publication:
    work = admin(shop)
    terms = Terms("Come in", fields, tracked="", wait=0)
    return shop.db.write_now(lambda tx: publications.publish(tx, work, BUYER, terms))


def send(shop: Workspace, form: Publication, values: Mapping[str, str], key: str = "") -> str:
    work = publications.visiting(shop.work(), form)
    write, beside = publications.submission(work, form, Sent(values, key, "", False, "192.0.2.0"))
    prepared = shop.read(lambda reader: write_record.prepare(reader, work, write))

    def act(tx: Transaction) -> str:
        outcome = write_record.commit(tx, work, prepared)
        if not outcome.replayed:
            beside(tx, outcome)
        return outcome.id

    return shop.db.write_now(act)


def test_a_link_makes_its_record_for_its_owner_and_counts_it_once(shop: Workspace) -> None:
    form = published(shop)
    made = send(shop, form, {"name": "Walk-in"}, "k")
    assert send(shop, form, {"name": "Walk-in"}, "k") == made
    work = admin(shop)
    record = shop.read(lambda reader: read_records.get(reader, work, BUYER, made)).json()
    assert (record["name"], record["owner"]) == ("Walk-in", work.context.actor.id)
    assert shop.read(lambda reader: publications.find(reader, work, form.id)).count == 1
    (sent,) = shop.read(lambda reader: publications.submissions(reader, work, form.id))
    assert (sent.record, sent.address) == (made, "192.0.2.0")


def test_t14_a_link_reads_nothing_and_sets_no_other_field(shop: Workspace) -> None:
    form = published(shop)
    made = send(shop, form, {"name": "Walk-in"})
    link = publications.visiting(shop.work(), form)
    with pytest.raises(Refused) as refused:
        shop.read(lambda reader: read_records.get(reader, link, BUYER, made))
    assert set(codes(refused).values()) <= {"query.unknown_entity", "record.missing"}
    answers = []
    for name in ("level", "levle"):
        with pytest.raises(Refused) as refused:
            send(shop, form, {"name": "x", name: "gold"})
        answers.append([*codes(refused).values()])
    assert answers[0] == answers[1]


def test_a_change_from_an_older_version_is_refused(shop: Workspace) -> None:
    form, work = published(shop), admin(shop)
    off = shop.db.write_now(lambda tx: publications.change(tx, work, form.id, enabled=False, version=1))
    assert (off.enabled, off.version) == (False, 2)
    with pytest.raises(Refused) as refused:
        shop.db.write_now(lambda tx: publications.change(tx, work, form.id, enabled=True, version=1))
    assert codes(refused) == {"": "publication.moved"}
    with pytest.raises(Refused):
        shop.read(lambda reader: publications.opened(reader, form.token))
