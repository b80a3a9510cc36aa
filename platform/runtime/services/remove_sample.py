"""Sample data goes at one click: what came with an app is erased, what people made of it stays and is named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

from dacheng.metadata.problem import Problem, Refused, problem
from dacheng.runtime.services import read_records
from dacheng.runtime.services.directory import DEPARTMENT, USER
from dacheng.runtime.services.install_app import app_of
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.users import demand_administrator
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import accounts, erasure, sample_records, versions
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.sample_records import SIGN_IN, SampleRow

ATTEMPTS = 3
NAMED = 300
CHANGED, SAID, USED, SIGNS_IN = "kept_changed", "kept_said", "kept_used", "kept_signs_in"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Kept:
    """A sample record that stays, with the reason."""

    entity: str
    record: str
    title: str
    reason: Problem


@dataclass(frozen=True, slots=True)
class Removed:
    """How many records went, by entity; how many stay, and the first of them by name."""

    removed: Mapping[str, int]
    kept: int = 0
    named: tuple[Kept, ...] = ()

    @property
    def total(self) -> int:
        """All that went."""
        return sum(self.removed.values())


def silent(step: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def count(reader: Reader, model: Model, app: str) -> int:
    """How many sample records of an app are there, lines not counted."""
    entities = model.catalogue.entities
    found = sample_records.counts(reader, app).items()
    return sum(number for ref, number in found if ref in entities and entities[ref].parent is None)


def remove(site: Site, work: Work, app: str, progress: Progress = silent) -> Removed:
    """Erase an app's sample data in one go, with its people, its departments and all the log says of them.

    A record stays that people changed since, commented on, or put files with; so does what a record that stays leads
    to, a record of the workspace's own among them, and who was given a sign-in here. Doing it again takes out what
    nothing keeps any more.
    """
    demand_administrator(work)
    for attempt in range(ATTEMPTS):
        model = site.refresh()
        app_of(model.catalogue, app)
        progress("remove", attempt and 0, 2)
        try:
            going = site.db.write_now(partial(_remove, model=model, app=app), urgent=False)
        except Refused as refused:
            if attempt + 1 == ATTEMPTS or all(e.code != "storage.version_moved" for e in refused.problems):
                raise
        else:
            break
    progress("remove", 1, 2)
    site.refresh()
    return site.db.read_now(lambda reader: _told(reader, site, work, going))


@dataclass(slots=True)
class _Going:
    """What goes, by entity, and what stays with its reason."""

    gone: dict[str, list[str]] = field(default_factory=dict)
    kept: dict[tuple[str, str], str] = field(default_factory=dict)


def _remove(tx: Transaction, model: Model, app: str) -> _Going:
    versions.demand(tx, model.versions, alone=True)
    rows = [row for row in sample_records.of_app(tx, app) if row.entity in model.catalogue.entities]
    by_entity: dict[str, list[str]] = {}
    for row in rows:
        by_entity.setdefault(row.entity, []).append(row.record)
    there = {
        record: state
        for ref, ids in by_entity.items()
        for record, state in erasure.versions_of(tx, model.tables.entity(ref), ids).items()
    }
    stays = _own(tx, app, rows, there)
    _spread(tx, model, by_entity, stays)
    found = _Going()
    for row in rows:
        if row.record in stays:
            if model.catalogue.entities[row.entity].parent is None:
                found.kept[row.entity, row.record] = stays[row.record]
        elif row.record in there:
            found.gone.setdefault(row.entity, []).append(row.record)
    erasure.erase(tx, model, found.gone)
    people = found.gone.get(USER, [])
    erasure.erase_people(tx, people)
    sample_records.forget(tx, [row.record for row in rows if row.record not in stays])
    sample_records.forget(tx, [f"{SIGN_IN}:{user}" for user in people])
    if found.gone.keys() & {USER, DEPARTMENT}:
        versions.bump(tx, "directory")
    return found


def _own(
    tx: Transaction, app: str, rows: Iterable[SampleRow], there: Mapping[str, tuple[int, bool]]
) -> dict[str, str]:
    """The records that are the workspace's own by now, each with the reason; what was thrown away is not."""
    stays: dict[str, str] = {}
    alive = {row.record: row for row in rows if there.get(row.record, (0, False))[1]}
    for record in erasure.said_about(tx, list(alive)):
        stays[record] = SAID
    for record, row in alive.items():
        if there[record][0] != row.version:
            stays[record] = CHANGED
    came = {row.record for row in sample_records.of_app(tx, app) if row.entity == SIGN_IN}
    for each in accounts.credentials(tx):
        if each.user in alive and f"{SIGN_IN}:{each.user}" not in came:
            stays[each.user] = SIGNS_IN
    return stays


def _spread(tx: Transaction, model: Model, by_entity: Mapping[str, list[str]], stays: dict[str, str]) -> None:
    """What a record that stays leads to stays, and its lines with it."""
    sample = {record for ids in by_entity.values() for record in ids}
    leads: dict[str, list[str]] = {}
    waiting = list(stays)
    for ref, ids in by_entity.items():
        for line, record in erasure.lines_of(tx, model, ref, ids):
            leads.setdefault(record, []).append(line)
            leads.setdefault(line, []).append(record)
        for holder, target in erasure.links_among(tx, model, ref, ids):
            leads.setdefault(holder, []).append(target)
            if holder not in sample:
                waiting.append(holder)
    while waiting:
        for target in leads.pop(waiting.pop(), ()):
            if target in sample and target not in stays:
                stays[target] = USED
                waiting.append(target)


def _told(reader: Reader, site: Site, work: Work, going: _Going) -> Removed:
    """The outcome with the names of what stays, as whoever removed it sees them."""
    now = site.renew(work)
    ids: dict[str, list[str]] = {}
    for ref, record in list(going.kept)[:NAMED]:
        ids.setdefault(ref, []).append(record)
    titles = {ref: read_records.titles(reader, now, ref, found) for ref, found in ids.items()}
    named = [
        Kept(ref, record, titles[ref].get(record, ""), problem(f"sample.{reason}"))
        for (ref, record), reason in list(going.kept.items())[:NAMED]
    ]
    counts = {ref: len(found) for ref, found in going.gone.items()}
    return Removed(MappingProxyType(counts), len(going.kept), tuple(named))
