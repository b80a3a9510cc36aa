"""What was saved is taken back by an ordinary save of the values before it, as whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from dacheng.metadata.definition import Field
from dacheng.metadata.problem import Problem, Refused, problem, refuse
from dacheng.runtime.services import history, read_records
from dacheng.runtime.services.history import Entry, FieldChange
from dacheng.runtime.services.parse_values import MAX_LINES
from dacheng.runtime.services.read_records import RecordView
from dacheng.runtime.services.save_plan import Write
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import change_log, records
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.tables import POSITION

UNDO: Final = "undo"  # the cause of such a save
LOOKED_AT: Final = 10  # of the latest changes, for one's own
FOLLOWS = frozenset({"department"})  # set by the owner, never by hand


def plan_undo(
    reader: Reader, work: Work, ref: str, record_id: str, seq: int, *, whole: bool = False
) -> Write:
    """The save that takes change `seq` back, to be given to `write_record`; `whole`: and all saved with it.

    A deletion is taken back by restoring, a line that came by removing it, one that went by adding it again.
    Refuses with `undo.unknown_change` for what the asker's history does not show, and with
    `undo.not_possible` at each field that changed again since.
    """
    deleted = _deleted(reader, work, ref, record_id, seq)
    if deleted is not None:
        return deleted
    around = (seq + history.MAX_ENTRIES, seq + 1) if whole else (seq + 1,)
    some = history.MAX_ENTRIES if whole else 1
    found = {
        each.seq: each
        for before in around
        for each in history.read(reader, work, ref, record_id, some, before).entries
    }
    entry = found.get(seq)
    if entry is None or (entry.line and not whole) or (entry.line == "" and entry.action != "update"):
        raise refuse("undo.unknown_change")
    together = [each for each in found.values() if _saved_with(entry, each)] if whole else [entry]
    record = read_records.get(reader, work, ref, record_id)
    shown = record.json()
    own = [each for each in together if each.line == ""]
    problems = [one for each in own for one in _changed_since(work, each.changes, shown)]
    values = _before(own, record.policy.writable if whole else None)
    lines = [each for each in together if each.line]
    places = _places_before(reader, work, record, entry) if lines else {}
    values |= _lines_before(work, record, lines, places, problems)
    if problems:
        raise Refused(problems)
    return Write("update", ref, record_id, values, record.version)


def latest_change(reader: Reader, ref: str, record_id: str) -> int | None:
    """The number of a record's latest change of its own, which is what to take back to have a save again."""
    rows = change_log.read(reader, ref, record_id, 1)
    return rows[0].seq if rows and rows[0].action == "update" and rows[0].cause_kind == UNDO else None


def own_change(reader: Reader, work: Work, ref: str, record_id: str) -> int | None:
    """The number of the asker's own latest change of a record, behind which rules may have added theirs."""
    for row in change_log.read(reader, ref, record_id, LOOKED_AT):
        if row.actor == work.context.actor.id and row.action == "update" and row.cause_kind == "user":
            return row.seq
    return None


def _deleted(reader: Reader, work: Work, ref: str, record_id: str, seq: int) -> Write | None:
    """A restore, when the change is the deletion of a record that is still in the recycle bin."""
    rows = change_log.read(reader, ref, record_id, 1)
    if rows and rows[0].seq == seq and rows[0].action == "delete":
        work.entity(ref)
        return Write("restore", ref, record_id)
    return None


def _saved_with(entry: Entry, other: Entry) -> bool:
    return (entry.at, entry.cause_kind, entry.cause, entry.person) == (
        other.at,
        other.cause_kind,
        other.cause,
        other.person,
    )


def _before(entries: Iterable[Entry], writable: frozenset[str] | None) -> dict[str, Any]:
    """The values before; what is worked out from others follows by itself."""
    return {
        each.field.id: each.before
        for entry in entries
        for each in entry.changes
        if each.field.id not in FOLLOWS and (writable is None or each.field.id in writable)
    }


def _changed_since(work: Work, changes: Iterable[FieldChange], now: Mapping[str, Any]) -> list[Problem]:
    locale, labels = work.context.locale, work.model.labels
    return [
        problem("undo.not_possible", f"/{each.field.id}", name=labels.field(locale, each.field))
        for each in changes
        if now.get(each.field.id) != each.after
    ]


# ---------------------------------------------------------------- lines
def _lines_before(
    work: Work,
    record: RecordView,
    entries: Sequence[Entry],
    places: Mapping[str, int],
    problems: list[Problem],
) -> dict[str, list[dict[str, Any]]]:
    """Each list of lines that these changes touched, as it was before them, each line in its place."""
    found: dict[str, list[dict[str, Any]]] = {}
    shown = record.json()
    for name, field in record.policy.readable.items():
        touching = {each.record: each for each in entries if field.is_lines and each.line == field.to}
        child = work.policy.entity(field.to or "") if touching else None
        if child is None or name not in record.policy.writable:
            continue
        now = shown[name] if isinstance(shown[name], list) else []
        lines = [
            (
                line["id"],
                {
                    "id": line["id"],
                    **_writable(line, child.writable),
                    **_line_before(touching.get(line["id"]), child.writable),
                },
            )
            for line in now
            if line["id"] not in touching or touching[line["id"]].action != "create"
        ]
        gone = [each for each in touching.values() if each.action == "delete"]
        lines += [(each.record, _line_before(each, child.writable)) for each in gone]
        found[name] = [line for _, line in sorted(lines, key=lambda pair: places.get(pair[0], MAX_LINES))]
        problems.extend(_lines_since(work, field, now, touching))
    return found


def _places_before(reader: Reader, work: Work, record: RecordView, entry: Entry) -> dict[str, int]:
    """Where each line stood before a save: where it stands now, unless that save put it there or took it away."""
    found = {
        line.id: line.position
        for child in work.model.catalogue.children.get(record.policy.entity.ref, ())
        for line in records.load_lines(reader, work.model, child, [record.id]).get(record.id, [])
    }
    for row in change_log.read_lines(reader, record.id, history.MAX_ENTRIES, entry.seq + history.MAX_ENTRIES):
        moved = row.changes.get(POSITION)
        if (
            moved
            and row.at == entry.at
            and row.cause_id == entry.cause
            and row.cause_kind == entry.cause_kind
        ):
            found[row.record] = int(moved[0] or 0)
    return found


def _writable(line: Mapping[str, Any], writable: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name in writable}


def _line_before(entry: Entry | None, writable: frozenset[str]) -> dict[str, Any]:
    if entry is None or entry.action == "create":
        return {}
    return {each.field.id: each.before for each in entry.changes if each.field.id in writable}


def _lines_since(
    work: Work, field: Field, now: Sequence[Mapping[str, Any]], touching: Mapping[str, Entry]
) -> list[Problem]:
    """A line changed or gone since stands in the way."""
    present = {str(line["id"]): line for line in now}
    label = work.model.labels.field(work.context.locale, field)
    for ident, entry in touching.items():
        gone = entry.action != "delete" and ident not in present
        moved = entry.action == "update" and not gone and _changed_since(work, entry.changes, present[ident])
        if gone or moved:
            return [problem("undo.not_possible", f"/{field.id}", name=label)]
    return []
