"""A board: a page of records per option of a choice, each with its count and what it adds up to, as far as that is quick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import refuse
from dacheng.runtime.services import gate, read_records, saved_views
from dacheng.runtime.services.conditions import surroundings
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.read_records import ListPage
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import aggregate
from dacheng.runtime.storage.query_plan import AggregatePlan
from dacheng.runtime.storage.reader import Reader

COUNT_CAP = 1000  # columns with more records say «more than», and show no sum
CARDS = 20


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """One column: its option's id (empty for records without one), a page of records, how many there are.

    `count` is `COUNT_CAP + 1` for more than that; `sums` are stored figures by currency (empty for plain
    numbers), None where there are too many records to add up.
    """

    option: str
    page: ListPage
    count: int
    sums: Mapping[str, int] | None


def board_field(work: Work, ref: str, name: str) -> Field:
    """The field a board stands on; one that is not known or no choice is refused."""
    target = work.entity(ref).readable.get(name)
    if target is None:
        raise refuse("query.unknown_field", "/on", name=name)
    if not saved_views.stands_on("board", target):
        raise refuse("view.needs_field", "/on", name=name)
    return target


def read(
    reader: Reader,
    work: Work,
    asked: Query,
    on: str,
    summed: str = "",
    only: Sequence[str] | None = None,
) -> list[BoardColumn]:
    """The columns in the options' order, those of archived options where they hold something.

    `asked.cursor` belongs to the single column that `only` names; `summed` is the path to add up.
    """
    target = board_field(work, asked.entity, on)
    found = []
    for option in sorted(target.options, key=lambda each: (each.order, each.id)):
        if only is None or option.id in only:
            column = _column(reader, work, asked, {"==": [{"var": on}, option.id]}, option.id, summed)
            if column.count or not option.archived:
                found.append(column)
    if only is None or "" in only:
        column = _column(reader, work, asked, {"==": [{"var": on}, None]}, "", summed)
        if column.count or only is not None:
            found.append(column)
    return found


def _column(
    reader: Reader, work: Work, asked: Query, condition: Json, option: str, summed: str
) -> BoardColumn:
    parts = [condition] if asked.filter is None else [condition, asked.filter]
    inside = replace(asked, filter=parts[0] if len(parts) == 1 else {"and": parts})
    page = read_records.list_page(reader, work, inside)
    whole = page.next is None and asked.cursor is None
    count = len(page.ids) if whole else read_records.count(reader, work, inside, COUNT_CAP + 1)
    sums = _sums(reader, work, inside, summed) if summed and count <= COUNT_CAP else None
    return BoardColumn(option, page, count, sums)


def _sums(reader: Reader, work: Work, inside: Query, summed: str) -> Mapping[str, int]:
    """The total per currency; numbers without one stand under the empty name."""
    where = gate.plan(work, replace(inside, fields=(summed,))).plan.where
    path = gate.known(work, inside.entity, summed, "/sum")
    plan = AggregatePlan(work.entity(inside.entity).entity, "sum", path, where=where)
    rows = aggregate.aggregate(reader, work.model, plan, surroundings(work.context))
    return {row.currency or "": int(row.value) for row in rows if row.value is not None}
