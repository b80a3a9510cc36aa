"""What was deleted and can come back: searched, by whom and when, as far as the asker may delete and so restore it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dacheng.runtime.services import read_records
from dacheng.runtime.services.directory import USER
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader

PAGE = 50
FEW = 5
WHEN, WHO = "updated_at", "updated_by"  # deleting is the last change of what lies in the bin


@dataclass(frozen=True, slots=True)
class Deleted:
    """One record in the bin; `by` and `at` (ms) are empty where the asker may not see them."""

    id: str
    title: str
    by: str
    at: int | None


@dataclass(frozen=True, slots=True)
class Bin:
    """A page of one entity's deleted records, the latest first; `next` is the cursor, None at the end."""

    entity: str
    items: tuple[Deleted, ...]
    next: str | None


def overview(reader: Reader, work: Work, text: str = "") -> list[Bin]:
    """The latest few of every entity that has some."""
    found = [read(reader, work, ref, text, limit=FEW) for ref in openable(work)]
    return [each for each in found if each.items]


def openable(work: Work) -> list[str]:
    """Entities whose records the asker may delete somewhere."""
    return [
        ref
        for ref, policy in work.policy.entities.items()
        if policy.entity.parent is None and policy.may("delete")
    ]


def read(
    reader: Reader, work: Work, ref: str, text: str = "", cursor: str | None = None, limit: int = PAGE
) -> Bin:
    """A page of what was deleted of one entity; refuses who may delete nothing there."""
    policy = work.entity(ref)
    title = policy.title if policy.title is not None and policy.title.codec.columns else None
    names = [name for name in (WHEN, WHO) if name in policy.readable]
    fields = (*((title.id,) if title is not None else ("id",)), *names)
    sort = ("-" + WHEN,) if WHEN in policy.readable else ()
    asked = Query(ref, fields, sort=sort, search=text, limit=limit, cursor=cursor, deleted=True)
    page = read_records.list_page(reader, work, asked)
    rows = page.json()
    people = read_records.titles(reader, work, USER, [row[WHO] for row in rows if row.get(WHO)])
    times = _moments(page, names)
    return Bin(
        ref,
        tuple(
            Deleted(ident, _title(policy, row, title is not None), people.get(row.get(WHO) or "", ""), at)
            for ident, row, at in zip(page.ids, rows, times, strict=True)
        ),
        page.next,
    )


def _title(policy: EntityPolicy, row: dict[str, Any], titled: bool) -> str:
    held = row.get(policy.entity.title) if titled else None
    return "" if held is None else str(held)


def _moments(page: read_records.ListPage, names: Sequence[str]) -> list[int | None]:
    if WHEN not in names:
        return [None] * len(page.ids)
    column = next(each for each in page.columns if each.name == WHEN)
    return [row[column.start] for row in page.rows]
