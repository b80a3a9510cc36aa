"""A scenario is played: its people come, and all they did goes through the write services, each at its own moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from dacheng.metadata.definition import Catalogue
from dacheng.metadata.problem import Refused, problem, refuse
from dacheng.plugins.context import Cause, System
from dacheng.runtime.services import scenario_people, write_record
from dacheng.runtime.services import work as frames
from dacheng.runtime.services.scenario_parts import DepartmentRef, Facts, Happening, PersonRef, Ref
from dacheng.runtime.services.scenario_people import Firm
from dacheng.runtime.services.scenario_story import tell
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.users import demand_administrator
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Prepared, Write
from dacheng.runtime.storage import sample_records
from dacheng.runtime.storage.ids import id_at
from dacheng.runtime.storage.reader import Transaction

BATCH = 250
ATTEMPTS = 3
TOLD_OF = timedelta(days=2)  # nobody finds a year of notices waiting
MOVED = "storage.version_moved"
Progress = Callable[[str, int, int], None]
NOBODY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it: writes, records and people; `signs` are the addresses people may sign in with."""

    scenario: str
    writes: int
    records: Mapping[str, int]
    people: int
    signs: Mapping[str, str] = field(default_factory=lambda: NOBODY)


def silent(step: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def play(
    site: Site,
    work: Work,
    app: str,
    scenario: str,
    *,
    progress: Progress = silent,
    scale: float = 1.0,
    passwords: Mapping[str, str] = NOBODY,
) -> Played:
    """Play a scenario of an installed app up to now. What is there of it already is not played again.

    `passwords` (by the people's ids in the scenario) let people sign in, with the roles they have in the story. A
    refused write ends it with `sample.refused`; what was made until then stays for `remove_sample` to take out.
    """
    demand_administrator(work)
    item = full(site.model().catalogue, app, scenario)
    if site.db.read_now(lambda reader: sample_records.was_played(reader, app, scenario)):
        return Played(scenario, 0, {}, 0)
    now = work.context.now
    facts = facts_of(site.model().catalogue)
    told = tell(item, facts, now, work.context.zone, scale=scale)
    firm = scenario_people.settle(site, app, item, told[0].at if told else now, passwords)
    player = _Player(site, app, item, firm)
    player.play(told, progress)
    return Played(
        scenario, len(told), MappingProxyType(player.made), len(firm.people), MappingProxyType(firm.signs)
    )


def full(catalogue: Catalogue, app: str, scenario: str) -> Mapping[str, Any]:
    """The scenario as its app says it, every entity by its full reference."""
    item = catalogue.apps[app].scenarios[scenario]
    records = {
        name: {**body, "entity": body["entity"] if "." in body["entity"] else f"{app}.{body['entity']}"}
        for name, body in item["records"].items()
    }
    return {**item, "records": records}


def facts_of(catalogue: Catalogue) -> Facts:
    """What a story has to know of the apps that are installed."""
    flows = catalogue.workflows
    return Facts(
        frozenset(ref for ref, each in catalogue.entities.items() if each.owned),
        {
            (ref, step.id): (flow.field, step.target)
            for ref, flow in flows.items()
            for step in flow.transitions
        },
        {ref: (flow.field, flow.initial) for ref, flow in flows.items()},
    )


class _Player:
    """One scenario being stored, batch by batch."""

    def __init__(self, site: Site, app: str, item: Mapping[str, Any], firm: Firm) -> None:
        self.site, self.app, self.item, self.firm = site, app, item, firm
        self.ids: dict[str, str] = {}
        self.made: dict[str, int] = {}
        self.frames: dict[str, Work] = {}
        self.base = self._base()

    def _base(self) -> Work:
        self.frames.clear()
        self.site.refresh()
        return self.site.work(System(), cause=Cause("sample", self.app))

    def play(self, told: Sequence[Happening], progress: Progress) -> None:
        """Everything, in order."""
        for start in range(0, len(told), BATCH):
            part = told[start : start + BATCH]
            self._store([*map(self._write, part)], part)
            progress("sample", start + len(part), len(told))

    # ---------------------------------------------------------------- one write
    def _write(self, told: Happening) -> tuple[Write, list[str]]:
        """The write of a happening, and the ids that the new record and its lines get."""
        fresh: list[str] = []
        if told.action == "create":
            self.made[told.entity] = self.made.get(told.entity, 0) + 1
        if told.action == "create" or told.adopts:
            fresh = [*self._new(told)]
        values = {name: self._value(value) for name, value in told.values.items()}
        record = None if told.action == "create" else self.ids[told.key]
        rules = bool(self.item.get("rules", False))
        return Write(told.action, told.entity, record, values, transition=told.transition, rules=rules), fresh

    def _new(self, told: Happening) -> Iterator[str]:
        ms = milliseconds(told.at)
        own = (told.key, *_line_keys(told)) if told.action == "create" else ()
        for key in (*own, *told.adopts):
            self.ids[key] = made = id_at(ms)
            yield made

    def _value(self, value: Any) -> Any:
        match value:
            case Ref(key):
                return self.ids[key]
            case PersonRef(key):
                return self.firm.people[key].id
            case DepartmentRef(key):
                return self.firm.departments[key]
            case list():
                return [self._value(each) for each in value]
            case dict():
                return {name: self._value(each) for name, each in value.items()}
        return value

    # ---------------------------------------------------------------- one batch
    def _store(self, writes: Sequence[tuple[Write, list[str]]], told: Sequence[Happening]) -> None:
        """A batch, or as much of it at a time as can be planned without what it makes being stored."""
        moved = 0
        while told:
            working: list[Work] = []
            ready = self._prepare([write for write, _ in writes], self._frames(told, writes, working), told)
            try:
                done = self.site.db.write_now(partial(self._commit, ready, working), urgent=False)
            except Refused as refused:
                moved += 1
                if moved == ATTEMPTS or all(each.code != MOVED for each in refused.problems):
                    raise
                self.base = self._base()
                continue
            for outcome, frame in zip(done, working, strict=False):
                if outcome.writes:
                    frame.hooks.after_write(frame.context, outcome.writes)
            told, writes = told[len(ready) :], writes[len(ready) :]

    def _prepare(
        self, asked: Sequence[Write], working: Iterable[Work], told: Sequence[Happening]
    ) -> list[Prepared]:
        """What can be stored now: at least the first, or it is refused for good."""
        answers = self.site.db.read_now(
            lambda reader: write_record.prepare_many(reader, self.base, asked, working)
        )
        first = answers[0]
        if isinstance(first, Refused):
            raise Refused(
                [
                    problem(
                        "sample.refused", one.pointer, scenario=self.item["id"], record=told[0].key,
                        at=told[0].at.isoformat(timespec="minutes"), reason=one.message,
                    )
                    for one in first.problems
                ]
            )  # fmt: skip
        since = self.base.context.now - TOLD_OF
        return [
            answer if each.at > since or not answer.messages else replace(answer, messages=())
            for answer, each in zip(answers, told, strict=False)
            if isinstance(answer, Prepared)
        ]

    def _frames(
        self, told: Sequence[Happening], writes: Sequence[tuple[Write, list[str]]], made: list[Work]
    ) -> Iterator[Work]:
        """The frames one by one, as far as planning gets; they are kept in `made`."""
        for each, (_, fresh) in zip(told, writes, strict=True):
            made.append(self._frame(each, fresh))
            yield made[-1]

    def _frame(self, told: Happening, fresh: Sequence[str]) -> Work:
        """The frame of whoever does it, at the moment they do it."""
        found = self.frames.get(told.actor)
        if found is None:
            actor = self.firm.people[told.actor] if told.actor else System()
            base = self.base
            acting = base.context.acting_as(actor)
            found = self.frames[told.actor] = frames.work_for(acting, base.model, base.kinds, base.hooks)
        context = replace(found.context, now=told.at, new_id=_Ids(fresh, told.at))
        return Work(context, found.model, found.policy, found.kinds, found.hooks)

    def _commit(
        self, ready: Sequence[Prepared], working: Sequence[Work], tx: Transaction
    ) -> list[write_record.Outcome]:
        done = write_record.commit_many(tx, self.base, ready, working)
        touched = write_record.touched(ready)
        sample_records.note(tx, self.base.model, self.app, str(self.item["id"]), touched)
        return done


class _Ids:
    """The ids kept for a new record and its lines, then others of the same moment."""

    def __init__(self, kept: Sequence[str], at: datetime) -> None:
        self._kept, self._at = iter(kept), milliseconds(at)

    def __call__(self) -> str:
        return next(self._kept, None) or id_at(self._at)


def _line_keys(told: Happening) -> Iterator[str]:
    """The keys of a new record's lines, in the order in which the write services make them."""
    for name, value in told.values.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield from (f"{told.key}/{name}/{place}" for place in range(len(value)))


def scenarios_of(catalogue: Catalogue, app: str) -> tuple[str, ...]:
    """The scenarios an installed app brings along."""
    found = catalogue.apps.get(app)
    if found is None:
        raise refuse("install.not_installed", app=app)
    return tuple(sorted(found.scenarios))
