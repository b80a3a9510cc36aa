"""Records as they stand during one planned write: loaded once, overlaid with what is already planned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from dacheng.metadata.definition import Entity, Field
from dacheng.runtime.services.conditions import Subject, holds
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import collaborators, record_rows
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.reader import Reader

_ABSENT: Any = object()
Key = tuple[str, str]  # entity reference, id


@dataclass(slots=True)
class AtHand:
    """Typed values by entity and id, living records alone; `None` is known to be absent.

    Nothing here looks at permissions except `visible`; it serves services, never an answer.
    """

    reader: Reader
    model: Model
    values: dict[Key, dict[str, Any] | None] = field(default_factory=dict)
    lines: dict[Key, list[dict[str, Any]]] = field(default_factory=dict)  # by (child, parent id), in order
    seen: dict[tuple[str, str, str, str], bool] = field(default_factory=dict)  # (policy, actor, entity, id)
    shared: dict[Key, list[dict[str, str]]] = field(default_factory=dict)
    journal: list[Callable[[], None]] = field(default_factory=list)  # how to take back what was planned

    def plan(self, ref: str, record_id: str, values: dict[str, Any] | None) -> None:
        """From here on the record is seen with these values; None: it is gone."""
        key = (ref, record_id)
        had, old = key in self.values, self.values.get(key)
        self.values[key] = values
        self.seen.clear()
        self.journal.append(partial(_put_back, self.values, key, old if had else _ABSENT))

    def begin(self, entity: str, record_id: str) -> None:
        """The record is being made here: nobody need look whether it has lines or collaborators."""
        for child in self.model.catalogue.children.get(entity, ()):
            self.lines.setdefault((child, record_id), [])
        self.shared[entity, record_id] = []

    def plan_lines(self, child: str, parent_id: str, rows: list[dict[str, Any]]) -> None:
        """From here on the record is seen with these lines, and each line by itself."""
        key = (child, parent_id)
        had, old = key in self.lines, self.lines.get(key, [])
        self.lines[key] = rows
        self.journal.append(partial(_put_back, self.lines, key, old if had else _ABSENT))
        entity = self.model.catalogue.entities[child]
        for row in rows:
            self.plan(
                child, row["id"], {**dict.fromkeys(entity.fields), **row, str(entity.parent_field): parent_id}
            )

    def back_to(self, mark: int) -> None:
        """Forget what was planned since `len(journal)` was `mark`."""
        while len(self.journal) > mark:
            self.journal.pop()()
        self.seen.clear()

    def lookup(self, ref: str, record_id: str) -> dict[str, Any] | None:
        """The typed values of a living record, whoever may see it."""
        key = (ref, record_id)
        if key not in self.values:
            self.load(ref, [record_id])
        return self.values[key]

    def load(self, ref: str, ids: Iterable[str]) -> None:
        """Fetch what is not at hand yet, in one go."""
        wanted = [each for each in dict.fromkeys(ids) if (ref, each) not in self.values]
        if not wanted:
            return
        found = record_rows.load_values(self.reader, self.model.tables.entity(ref), wanted)
        for each in wanted:
            self.values[ref, each] = found.get(each)

    def deleted(self, ref: str, record_id: str) -> dict[str, Any] | None:
        """The typed values of a record in the recycle bin; None when there is none there."""
        found = record_rows.load(self.reader, self.model.tables.entity(ref), [record_id]).get(record_id)
        return None if found is None or found.deleted_at is None else found.values()

    def children(self, child: Entity, parent_id: str) -> list[dict[str, Any]]:
        """The living lines of a record, in order."""
        key = (child.ref, parent_id)
        if key not in self.lines:
            made = self.model.tables.entity(child.ref)
            rows = record_rows.behind(self.reader, made, child.parent_field or "", [parent_id])
            rows.sort(key=lambda row: (row.position or 0, row.id))
            self.lines[key] = [row.values() for row in rows]
        return self.lines[key]

    def visible(self, work: Work, ref: str, ids: Sequence[str]) -> set[str]:
        """Which of these records the actor may read."""
        policy = work.policy.entity(ref)
        if policy is None:
            return set()
        self.load(ref, ids)
        present = [each for each in ids if self.values[ref, each] is not None]
        if policy.rows["read"] is True:
            return set(present)
        return {each for each in present if self._may_see(work, ref, each)}

    def sees(self, work: Work, ref: str, record_id: str) -> bool:
        """Whether the actor may read this one."""
        policy = work.policy.entity(ref)
        if policy is None or self.lookup(ref, record_id) is None:
            return False
        return policy.rows["read"] is True or self._may_see(work, ref, record_id)

    def allows(self, work: Work, ref: str, action: str, subject: Subject) -> bool:
        """Whether the actor may do this to this very record."""
        policy = work.policy.entity(ref)
        return policy is not None and holds(policy.rows[action], subject, work.context)

    def _may_see(self, work: Work, ref: str, record_id: str) -> bool:
        key = (work.policy.hash, work.context.actor.id, ref, record_id)
        if key not in self.seen:
            policy = work.policy.entity(ref)
            values = self.values[ref, record_id]
            subject = self.subject(work, ref, record_id, values or {})
            self.seen[key] = policy is not None and holds(policy.rows["read"], subject, work.context)
        return self.seen[key]

    def subject(
        self,
        work: Work,
        ref: str,
        record_id: str,
        values: Mapping[str, Any],
        before: Mapping[str, Any] | None = None,
    ) -> Subject:
        """The record with everything that conditions of its builder may look at: rules, guards, row rules."""
        catalogue = self.model.catalogue
        entity = catalogue.entities[ref]
        return Subject(
            entity=entity,
            id=record_id,
            values=values,
            lookup=self.lookup,
            entities=catalogue.entities,
            lines=_Lines(self, entity, record_id),
            before=before,
            workflow=catalogue.workflows.get(ref),
            collaborators=self.collaborators,
        )

    def collaborators(self, ref: str, record_id: str) -> list[dict[str, str]]:
        """Who works on a record, with which right, as conditions see it."""
        key = (ref, record_id)
        if key not in self.shared:
            found = collaborators.of_record(self.reader, ref, record_id)
            self.shared[key] = [{"user": each.user, "right": each.right} for each in found]
        return self.shared[key]

    def shown(self, work: Work, subject: Subject) -> Subject:
        """The same record as far as the actor sees it: for form conditions and defaults."""
        policy = work.policy.entity(subject.entity.ref)
        readable = policy.readable if policy is not None else {}

        def lookup(ref: str, record_id: str) -> Mapping[str, Any] | None:
            target = work.policy.entity(ref)
            if target is None or record_id not in self.visible(work, ref, [record_id]):
                return None
            values = self.values[ref, record_id] or {}
            return _cut(values, target.readable)

        return Subject(
            entity=subject.entity,
            id=subject.id,
            values=self._lists_seen(work, readable, _cut(subject.values, readable)),
            lookup=lookup,
            entities=subject.entities,
            lines=_ShownLines(work, subject),
            before=None
            if subject.before is None
            else self._lists_seen(work, readable, _cut(subject.before, readable)),
            workflow=subject.workflow,
        )

    def _lists_seen(
        self, work: Work, readable: Mapping[str, Field], values: dict[str, Any]
    ) -> dict[str, Any]:
        """The same values, fields of links cut down to what the actor may see."""
        for name, held in values.items():
            if held is not None and readable[name].is_links:
                seen = self.visible(work, readable[name].to or "", held)
                values[name] = tuple(each for each in held if each in seen) or None
        return values


class _Lines(Mapping[str, Sequence[Mapping[str, Any]]]):
    """Lines by field, fetched only when a condition looks at them."""

    def __init__(self, at_hand: AtHand, entity: Entity, record_id: str) -> None:
        self._at_hand, self._entity, self._id = at_hand, entity, record_id

    def __getitem__(self, name: str) -> Sequence[Mapping[str, Any]]:
        found = self._entity.fields[name]
        child = self._at_hand.model.catalogue.entities[found.to or ""]
        return self._at_hand.children(child, self._id)

    def __iter__(self) -> Iterator[str]:
        return (name for name, each in self._entity.fields.items() if each.is_lines)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _ShownLines(Mapping[str, Sequence[Mapping[str, Any]]]):
    """Lines by field as far as the actor sees them: readable line fields of readable lines alone."""

    def __init__(self, work: Work, subject: Subject) -> None:
        self._work, self._subject = work, subject

    def __getitem__(self, name: str) -> Sequence[Mapping[str, Any]]:
        owner = self._work.policy.entity(self._subject.entity.ref)
        field = owner.readable.get(name) if owner is not None else None
        child = self._work.policy.entity(field.to or "") if field is not None else None
        if child is None:
            return ()
        return [_cut(row, child.readable) for row in self._subject.lines.get(name, ())]

    def __iter__(self) -> Iterator[str]:
        return iter(self._subject.lines)

    def __len__(self) -> int:
        return len(self._subject.lines)


def _cut(values: Mapping[str, Any], readable: Mapping[str, Field]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in readable}


def _put_back(where: dict[Any, Any], key: Key, old: Any) -> None:
    if old is _ABSENT:
        where.pop(key, None)
    else:
        where[key] = old
