"""What happened to a record, read through the field rules: backwards from the live row, lines included."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from heapq import merge
from itertools import islice

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import refuse
from dacheng.runtime.services import read_records
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import change_log
from dacheng.runtime.storage.change_log import ChangeRow
from dacheng.runtime.storage.reader import Reader

MAX_ENTRIES = 200
PAGE = 200  # entries of the log fetched at a time
PEOPLE = "core.user"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field's values before and after, as JSON; links are ids whose titles stand in `History.titles`."""

    field: Field
    before: Json
    after: Json


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: of the record itself, or of one of its lines (`line` is then its entity reference).

    `actor` is who did it (an automation: `automation:app`), `person` who stands behind that, `cause_kind` and
    `cause` why; `at` is milliseconds since 1970 UTC.
    """

    seq: int
    action: str
    line: str
    record: str
    changes: tuple[FieldChange, ...]
    actor: str
    person: str
    cause_kind: str
    cause: str
    at: int


@dataclass(frozen=True, slots=True)
class History:
    """The latest changes first; `titles[ref][id]` are titles of linked records and of people.

    `next` is what to go on before, when older entries could be shown.
    """

    entries: tuple[Entry, ...]
    titles: Mapping[str, Mapping[str, str]]
    next: int | None = None


def read(
    reader: Reader,
    work: Work,
    ref: str,
    record_id: str,
    limit: int = MAX_ENTRIES,
    before: int = change_log.NOW,
) -> History:
    """The history of a record that may be seen, older than `before`. Changes of hidden fields alone leave no entry,
    and take no room either: the log is read on until `limit` entries can be shown, or nothing is left."""
    policy = work.entity(ref)
    if record_id not in read_records.visible(reader, work, ref, [record_id]):
        raise refuse("record.missing")
    limit = min(limit, MAX_ENTRIES)
    entities = of_entities(work, policy)
    rows = _rows(partial(change_log.read, reader, ref, record_id), before)
    if len(entities) > 1:
        lines = _rows(partial(change_log.read_lines, reader, record_id), before)
        rows = merge(rows, lines, key=lambda row: -row.seq)
    entries = (_entry(row, entities[row.entity], ref) for row in rows if row.entity in entities)
    kept = list(islice((each for each in entries if each is not None), limit + 1))
    found = _without_unseen(reader, work, kept[:limit])
    return replace(found, next=kept[limit - 1].seq if len(kept) > limit else None)


def _rows(some: Callable[[int, int], Sequence[ChangeRow]], before: int) -> Iterator[ChangeRow]:
    """All entries of one kind, the latest first, fetched page by page as they are asked for."""
    while page := some(PAGE, before):
        yield from page
        before = page[-1].seq


def shown(reader: Reader, work: Work, policy: EntityPolicy, rows: Sequence[ChangeRow]) -> History:
    """Rows of the log as the asker may see them; that the record may be seen has been looked at before."""
    entities = of_entities(work, policy)
    entries = [_entry(row, entities[row.entity], policy.entity.ref) for row in rows if row.entity in entities]
    return _without_unseen(reader, work, [each for each in entries if each is not None])


def of_entities(work: Work, policy: EntityPolicy) -> dict[str, EntityPolicy]:
    """The record's own entity and those of its lines, as far as they may be read."""
    found = {policy.entity.ref: policy}
    for each in policy.readable.values():
        child = work.policy.entity(each.to or "") if each.is_lines else None
        if child is not None:
            found[child.entity.ref] = child
    return found


def _entry(row: ChangeRow, policy: EntityPolicy, ref: str) -> Entry | None:
    """The entry as this policy shows it; an update of hidden fields alone is not one."""
    readable = policy.readable
    changes = tuple(
        FieldChange(readable[name], pair[0], pair[1])
        for name, pair in row.changes.items()
        if name in readable and (not readable[name].system or name in ("owner", "department"))
    )
    if row.action == "update" and not changes:
        return None
    line = "" if row.entity == ref else row.entity
    person = row.person or (row.actor if row.cause_kind in ("user", "api", "sample") else "")
    return Entry(
        row.seq,
        row.action,
        line,
        row.record,
        changes,
        row.actor,
        person,
        row.cause_kind,
        row.cause_id,
        row.at,
    )


def _without_unseen(reader: Reader, work: Work, entries: Sequence[Entry]) -> History:
    """Titles of all that is named; a link to a record the asker may not see reads as missing."""
    wanted: dict[str, dict[str, None]] = {}
    for entry in entries:
        wanted.setdefault(PEOPLE, {})[entry.person or entry.actor] = None
        for change in entry.changes:
            if change.field.leads_to_records:
                for value in (change.before, change.after):
                    ids = value if isinstance(value, list) else [value] if isinstance(value, str) else []
                    wanted.setdefault(change.field.to or "", {}).update(dict.fromkeys(ids))
    titled = {ref: read_records.titles(reader, work, ref, list(ids)) for ref, ids in wanted.items()}
    people = titled.get(PEOPLE, {})
    shown = (_seen(entry, titled, people) for entry in entries)
    return History(tuple(each for each in shown if each is not None), titled)


def _seen(entry: Entry, titled: Mapping[str, Mapping[str, str]], people: Mapping[str, str]) -> Entry | None:
    """The entry as its reader sees it; None where all that changed is in lists of what they may not see."""

    def value(change: FieldChange, held: Json) -> Json:
        known = titled.get(change.field.to or "", {})
        if change.field.is_links and isinstance(held, list):
            return [each for each in held if each in known] or None
        if not change.field.is_link or held is None:
            return held
        return held if held in known else None

    changes = tuple(
        FieldChange(each.field, value(each, each.before), value(each, each.after)) for each in entry.changes
    )
    told = tuple(each for each in changes if not each.field.is_links or each.before != each.after)
    if entry.action == "update" and not told:
        return None
    hide = entry.person != "" and entry.person not in people
    return Entry(
        entry.seq, entry.action, entry.line, entry.record, told, "" if hide else entry.actor,
        "" if hide else entry.person, entry.cause_kind, entry.cause, entry.at,
    )  # fmt: skip
