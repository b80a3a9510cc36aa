"""Comments on a record: read and written by who may read it; mentions reach only people who may see it too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from dacheng.metadata.problem import refuse
from dacheng.plugins.context import User
from dacheng.runtime.services import audience, notices, read_records
from dacheng.runtime.services.directory import USER
from dacheng.runtime.services.notices import Notice
from dacheng.runtime.services.save_plan import stamp_of
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import change_log, comments, versions
from dacheng.runtime.storage.change_log import ChangeRow, Entry
from dacheng.runtime.storage.comments import CommentRow
from dacheng.runtime.storage.reader import Reader, Transaction

LONGEST = 4000
MOST_MENTIONS = 20
PAGE = 50
EVER = 1 << 62
EDITABLE = timedelta(days=1)
LOGGED_AS = "_comment"
Changes = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as its reader sees it: names of people they may not know are empty.

    `may` holds what the reader may do with it: edit, delete.
    """

    id: str
    author: str
    author_name: str
    text: str
    mentions: tuple[tuple[str, str], ...]
    at: int
    edited_at: int | None
    may: frozenset[str]


@dataclass(frozen=True, slots=True)
class Thread:
    """The latest comments first; `next` is the moment to ask before for earlier ones, None at the end."""

    items: tuple[Comment, ...]
    next: int | None


def read(
    reader: Reader, work: Work, ref: str, record_id: str, before: int | None = None, limit: int = PAGE
) -> Thread:
    """A page of the comments of a record that may be seen."""
    demand_visible(reader, work, ref, record_id)
    rows = comments.of_record(reader, ref, record_id, EVER if before is None else before, limit + 1)
    more = len(rows) > limit
    kept = rows[:limit]
    return Thread(tuple(shown(reader, work, kept)), kept[-1].at if more else None)


def demand_visible(reader: Reader, work: Work, ref: str, record_id: str) -> None:
    """Refuse with `record.missing` what does not exist, may not be seen, or is a line of another record."""
    if work.entity(ref).entity.parent is not None:
        raise refuse("query.unknown_entity")
    if record_id not in read_records.visible(reader, work, ref, [record_id]):
        raise refuse("record.missing")


def shown(reader: Reader, work: Work, rows: Sequence[CommentRow]) -> list[Comment]:
    """Stored comments as the asker sees them; the record's visibility has been looked at before."""
    wanted = [each for row in rows for each in (row.author, *row.mentions)]
    names = read_records.titles(reader, work, USER, wanted)
    return [
        Comment(
            row.id,
            row.author if row.author in names else "",
            names.get(row.author, ""),
            row.body,
            tuple((each, names[each]) for each in row.mentions if each in names),
            row.at,
            row.edited_at,
            _may(work, row),
        )
        for row in rows
    ]


def _may(work: Work, row: CommentRow) -> frozenset[str]:
    own = row.author == work.context.actor.id
    found = {"delete"} if own or work.policy.admin else set()
    if own and not _too_late(work, row):
        found.add("edit")
    return frozenset(found)


# ---------------------------------------------------------------- writing
def add(
    tx: Transaction, work: Work, ref: str, record_id: str, text: str, mentions: Sequence[str] = ()
) -> Comment:
    """Say something about a record; the people mentioned are told."""
    versions.demand(tx, work.model.versions)
    _demand_person(work)
    demand_visible(tx, work, ref, record_id)
    body = _checked(text)
    named = _demand_seers(tx, work, ref, record_id, mentions)
    at = stamp_of(work).now_ms
    row = CommentRow(work.context.new_id(), ref, record_id, work.context.actor.id, body, named, at)
    comments.put(tx, row)
    change_log.append(tx, [Entry(LOGGED_AS, row.id, "create", None, record_id)], stamp_of(work))
    _tell(tx, work, row, named)
    return shown(tx, work, [row])[0]


def edit(
    tx: Transaction, work: Work, ref: str, record_id: str, ident: str, text: str, mentions: Sequence[str] = ()
) -> Comment:
    """Correct one's own comment within a day; who is mentioned newly is told."""
    versions.demand(tx, work.model.versions)
    row = _own(tx, work, ref, record_id, ident)
    if row.author != work.context.actor.id:
        raise refuse("comment.not_own")
    if _too_late(work, row):
        raise refuse("comment.too_late")
    body = _checked(text)
    named = _demand_seers(tx, work, ref, record_id, mentions)
    now = replace(row, body=body, mentions=named, edited_at=stamp_of(work).now_ms)
    if (body, named) != (row.body, row.mentions):
        comments.change(tx, now)
        changes: Changes = {"body": [row.body, body], "mentions": [list(row.mentions), list(named)]}
        change_log.append(tx, [Entry(LOGGED_AS, ident, "update", changes, record_id)], stamp_of(work))
        _tell(tx, work, now, [each for each in named if each not in row.mentions])
    return shown(tx, work, [now])[0]


def delete(tx: Transaction, work: Work, ref: str, record_id: str, ident: str) -> None:
    """Take one's own comment away, or anybody's as an administrator; the change log keeps what it said."""
    versions.demand(tx, work.model.versions)
    row = _own(tx, work, ref, record_id, ident)
    if "delete" not in _may(work, row):
        raise refuse("comment.not_own")
    comments.remove(tx, ident, stamp_of(work).now_ms)
    changes: Changes = {"body": [row.body, None], "mentions": [list(row.mentions), None]}
    change_log.append(tx, [Entry(LOGGED_AS, ident, "delete", changes, record_id)], stamp_of(work))


def move_all(tx: Transaction, work: Work, ref: str, before: str, after: str) -> int:
    """Put everything said about one record to another; under the cause of `work`, by which it is found again."""
    idents = comments.ids_of(tx, ref, before)
    for ident in idents:
        comments.move(tx, ref, ident, before, after)
    _log_moves(tx, work, idents, before, after)
    return len(idents)


def move_back(tx: Transaction, work: Work, ref: str, moved: Sequence[ChangeRow]) -> int:
    """Take moves back, given as the log has them; what stands elsewhere by now stays there."""
    count = 0
    for row in moved:
        before, after = row.changes["record"]
        if comments.move(tx, ref, row.record, after, before):
            _log_moves(tx, work, [row.record], after, before)
            count += 1
    return count


def _log_moves(tx: Transaction, work: Work, idents: Sequence[str], before: str, after: str) -> None:
    changes: Changes = {"record": [before, after]}
    entries = [Entry(LOGGED_AS, each, "update", changes, after) for each in idents]
    if entries:
        change_log.append(tx, entries, stamp_of(work))


def _own(tx: Transaction, work: Work, ref: str, record_id: str, ident: str) -> CommentRow:
    """The comment, when it stands at this record and the record may be seen."""
    demand_visible(tx, work, ref, record_id)
    row = comments.one(tx, ident)
    if row is None or (row.entity, row.record) != (ref, record_id):
        raise refuse("comment.missing")
    return row


def _too_late(work: Work, row: CommentRow) -> bool:
    return stamp_of(work).now_ms - row.at > EDITABLE.total_seconds() * 1000


def _demand_person(work: Work) -> None:
    if not isinstance(work.context.actor, User):
        raise refuse("access.not_permitted")


def _checked(text: str) -> str:
    body = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip()
    if not body:
        raise refuse("comment.empty", "/text")
    if len(body) > LONGEST:
        raise refuse("value.too_long", "/text", limit=LONGEST, length=len(body))
    return body


def _demand_seers(
    tx: Transaction, work: Work, ref: str, record_id: str, mentions: Sequence[str]
) -> tuple[str, ...]:
    """The mentions, when each is somebody the asker may know and who may see the record; else nobody is."""
    named = tuple(dict.fromkeys(mentions))
    if len(named) > MOST_MENTIONS:
        raise refuse("comment.too_many_mentions", "/mentions", limit=MOST_MENTIONS)
    known = read_records.visible(tx, work, USER, named)
    seeing = set(audience.seers(tx, work, ref, record_id, named)) & known
    for at, each in enumerate(named):
        if each not in seeing:
            raise refuse("comment.unknown_person", f"/mentions/{at}")
    return named


def _tell(tx: Transaction, work: Work, row: CommentRow, people: Sequence[str]) -> None:
    told = [each for each in people if each != row.author]
    if told:
        key = f"mention:{row.id}:{row.edited_at or row.at}"
        notice = Notice("mention", row.entity, row.record, row.author, row.id)
        notices.put(tx, notice, told, key, row.edited_at or row.at)
