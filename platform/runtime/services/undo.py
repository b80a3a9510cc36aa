"""One change is taken back by an ordinary save of the values before it, as whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.problem import Problem, Refused, problem, refuse
from dacheng.runtime.services import history, read_records
from dacheng.runtime.services.history import Entry
from dacheng.runtime.services.save_plan import Write
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import change_log
from dacheng.runtime.storage.reader import Reader


def plan_undo(reader: Reader, work: Work, ref: str, record_id: str, seq: int) -> Write:
    """The save that takes change `seq` back, to be given to `write_record`.

    A deletion is taken back by restoring. Refuses with `undo.unknown_change` for what the asker's history
    does not show, and with `undo.not_possible` at each field that changed again since.
    """
    deleted = _deleted(reader, work, ref, record_id, seq)
    if deleted is not None:
        return deleted
    entries = history.read(reader, work, ref, record_id, 1, seq + 1).entries
    entry = next((each for each in entries if each.seq == seq and each.line == ""), None)
    if entry is None or entry.action != "update":
        raise refuse("undo.unknown_change")
    record = read_records.get(reader, work, ref, record_id)
    problems = _changed_since(work, entry, record.json())
    if problems:
        raise Refused(problems)
    values = {each.field.id: each.before for each in entry.changes if each.field.id != "department"}
    return Write("update", ref, record_id, values, record.version)


def _deleted(reader: Reader, work: Work, ref: str, record_id: str, seq: int) -> Write | None:
    """A restore, when the change is the deletion of a record that is still in the recycle bin."""
    rows = change_log.read(reader, ref, record_id, 1)
    if rows and rows[0].seq == seq and rows[0].action == "delete":
        work.entity(ref)
        return Write("restore", ref, record_id)
    return None


def _changed_since(work: Work, entry: Entry, now: Mapping[str, Any]) -> list[Problem]:
    locale, labels = work.context.locale, work.model.labels
    return [
        problem("undo.not_possible", f"/{each.field.id}", name=labels.field(locale, each.field))
        for each in entry.changes
        if now.get(each.field.id) != each.after
    ]
