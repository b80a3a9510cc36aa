"""Everything that happened to a record in one order: saves, comments, files, rules and why, imports; page by page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import attachments, comments, history, rule_traces
from dacheng.runtime.services.attachments import Attachment
from dacheng.runtime.services.comments import Comment
from dacheng.runtime.services.history import Entry
from dacheng.runtime.services.rule_traces import Why
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import attachments as stored_attachments
from dacheng.runtime.storage import change_log, traces
from dacheng.runtime.storage import comments as stored_comments
from dacheng.runtime.storage.reader import Reader

KINDS = ("comment", "change", "file", "rule", "import")
PAGE = 20
AT_ONCE = 200
EVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: a comment, or what was saved together; `whys` are the reasons of rules in it.

    `kind` is comment, change, file (attached, or taken off where it has a `removed_at`), rule (a rule's own doing, or
    `near`: one whose condition did not hold) or import.
    """

    kind: str
    at: int
    entries: tuple[Entry, ...] = ()
    whys: tuple[Why, ...] = ()
    comment: Comment | None = None
    file: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of events, the latest first; `next` is the moment (ms) to ask before for earlier ones, None at the end.

    `titles[ref][id]` are titles of linked records and of people.
    """

    events: tuple[Event, ...]
    titles: Mapping[str, Mapping[str, str]]
    next: int | None


def read(
    reader: Reader, work: Work, ref: str, record_id: str, kind: str = "", before: int | None = None,
    limit: int = PAGE,
) -> Timeline:  # fmt: skip
    """A page of what happened to a record that may be seen; `kind` narrows it to one of `KINDS`."""
    if kind and kind not in KINDS:
        raise refuse("web.bad_parameter", name="kind")
    comments.demand_visible(reader, work, ref, record_id)
    policy, moment = work.entity(ref), EVER if before is None else before
    rows, said, looks = [], [], []
    if kind not in ("comment", "file"):
        rows = change_log.read_before(reader, ref, record_id, moment, AT_ONCE)
        if len(history.of_entities(work, policy)) > 1:
            rows += change_log.read_before(reader, ref, record_id, moment, AT_ONCE, lines=True)
    if kind in ("", "comment"):
        said = stored_comments.of_record(reader, ref, record_id, moment, AT_ONCE)
    if kind in ("", "change", "rule"):
        looks = traces.before(reader, ref, record_id, moment, AT_ONCE)
    files, cut = _files(reader, work, ref, record_id, moment) if kind in ("", "file") else ([], [])
    full = [*cut, *(found[-1].at for found in (said, looks) if len(found) == AT_ONCE)]
    full += [lot[-1].at for lot in _lots(rows, ref) if len(lot) == AT_ONCE]
    found = history.shown(reader, work, policy, sorted(rows, key=lambda row: (-row.at, -row.seq)))
    events = [
        *_saves(found.entries, rule_traces.shown(work, ref, looks), kind),
        *(Event("comment", each.at, comment=each) for each in comments.shown(reader, work, said)),
        *files,
    ]
    kept, following = _page(events, full, limit)
    return Timeline(kept, found.titles, following)


def _files(
    reader: Reader, work: Work, ref: str, record_id: str, before: int
) -> tuple[list[Event], list[int]]:
    """Files attached and taken off; and the moments before which there may be more."""
    came = stored_attachments.added(reader, ref, record_id, before, AT_ONCE)
    went = stored_attachments.removed(reader, ref, record_id, before, AT_ONCE)
    added = [replace(row, removed_by=None, removed_at=None) for row in came]
    shown = attachments.shown(reader, work, [*added, *went])
    cut = [came[-1].added_at] if len(came) == AT_ONCE else []
    cut += [went[-1].removed_at or 0] if len(went) == AT_ONCE else []
    return [Event("file", each.removed_at or each.at, file=each) for each in shown], cut


def _lots(rows: Sequence[change_log.ChangeRow], ref: str) -> Iterable[list[change_log.ChangeRow]]:
    """The record's own rows and those of its lines, as they were fetched."""
    yield [row for row in rows if row.entity == ref]
    yield [row for row in rows if row.entity != ref]


def _saves(entries: Sequence[Entry], whys: Sequence[Why], kind: str) -> list[Event]:
    """Entries of one save together, each rule's own changes with its reasons; rules that changed nothing alone."""
    groups: dict[tuple[int, str, str, str], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.at, entry.cause_kind, entry.cause, entry.person), []).append(entry)
    told: set[int] = set()
    found = []
    for (at, cause_kind, cause, _), together in groups.items():
        own = "rule" if cause_kind == "rule" else "import" if cause_kind == "import" else "change"
        reasons = tuple(each for each in whys if own == "rule" and (each.rule, each.at) == (cause, at))
        told.update(each.seq for each in reasons)
        found.append(Event(own, at, tuple(together), reasons))
    found += [
        Event("rule", each.at, whys=(each,))
        for each in whys
        if each.seq not in told and (kind == "rule" or each.outcome != "near")
    ]
    return [each for each in found if not kind or each.kind == kind]


def _page(events: Sequence[Event], full: Sequence[int], limit: int) -> tuple[tuple[Event, ...], int | None]:
    """The latest events whose neighbours are all known, cut between two moments; and where to go on."""
    ordered = sorted(events, key=lambda each: -each.at)
    edge = max(full, default=None)
    whole = [each for each in ordered if edge is None or each.at > edge]
    if not whole and ordered:
        whole = ordered  # one save larger than what is read at once
        edge = ordered[-1].at
    if len(whole) > limit:
        last = whole[limit - 1].at
        kept = [each for each in whole if each.at >= last]
        return tuple(kept), last if len(kept) < len(whole) or edge is not None else None
    if edge is None:
        return tuple(whole), None
    return tuple(whole), whole[-1].at if whole else edge
