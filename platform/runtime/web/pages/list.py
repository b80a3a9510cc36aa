"""The list of an entity: saved views, filters as sentences, search, sorting, one page at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.definition import ListView
from dacheng.runtime.services import board, read_records
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.fields.base import Setting
from dacheng.runtime.web.markup import drawn
from dacheng.runtime.web.page import Page
from dacheng.runtime.web.render import render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of
from dacheng.runtime.web.view import filters
from dacheng.runtime.web.view.board import Board, board_shown, summed_path
from dacheng.runtime.web.view.calendar import MOST, Calendar, calendar_shown, span_of, within
from dacheng.runtime.web.view.chosen import Chosen, choose, known
from dacheng.runtime.web.view.groups import groups_shown
from dacheng.runtime.web.view.list_page import COUNT_FEWER, COUNT_LIMIT, Found, list_page
from dacheng.runtime.web.view.list_query import query_of
from dacheng.runtime.web.view.list_state import NONE, ListState
from dacheng.runtime.web.view.prepared import Prepared
from dacheng.runtime.web.view.setting import setting_of, view_key
from dacheng.runtime.web.view.table import Table, prepare_table, resolve
from dacheng.runtime.web.view.view_menu import settled

QUICK_CHOICES = 50
_tables: Prepared[Table] = Prepared(512)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPage(Page):
    """One row; `held` while it belongs to the list."""

    row: Markup
    held: bool


async def show_list(request: Request) -> Response:
    """One page of a list; the parameters `by` and `op` add a condition and lead to the list that has it."""
    work, host = work_of(request), host_of(request)
    ref = f"{request.path_params['app']}.{request.path_params['entity']}"
    policy, setting = work.entity(ref), setting_of(work)
    found = await host.db.read(lambda reader: known(reader, work, ref), bounded=True)
    chosen = choose(work, policy, found, request.query_params.get("view", ""))
    state = settled(work, policy, ListState.of(request.url.path, request.query_params, chosen.base))
    if "by" in request.query_params:
        return RedirectResponse(_with_condition(request, policy, state, setting), 303)
    table = _table(work, policy, chosen.view, setting)
    query = query_of(work, policy, chosen.view, table.paths, state, setting)
    rows = await host.db.read(
        lambda reader: _read(reader, work, policy, chosen, table, query, state, setting),
        kind=(query.kind(work), state.kind, state.on),
    )
    page = list_page(work, policy, found, chosen, table, state, setting, rows)
    return render(request, "list.html", page)


async def show_row(request: Request) -> Response:
    """One row of the list, drawn anew after a change in it, with a mark when the list no longer holds it."""
    work, ident = work_of(request), str(request.path_params["id"])
    ref = f"{request.path_params['app']}.{request.path_params['entity']}"
    policy, setting = work.entity(ref), setting_of(work)
    db, place = host_of(request).db, request.url.path.rsplit("/", 2)[0]
    found = await db.read(lambda reader: known(reader, work, ref), bounded=True)
    chosen = choose(work, policy, found, request.query_params.get("view", ""))
    state = settled(work, policy, ListState.of(place, request.query_params, chosen.base))
    table = _table(work, policy, chosen.view, setting)
    query = query_of(work, policy, chosen.view, table.paths, state, setting)
    row, held = await db.read(lambda reader: _row(reader, work, query, table, ident), bounded=True)
    return render(request, "list_row.html", RowPage(title="", row=row, held=held))


def _row(reader: Reader, work: Work, query: Query, table: Table, ident: str) -> tuple[Markup, bool]:
    """A record as the list's row (empty where it may not be seen), and whether the list's conditions hold of it."""
    alone = {"==": [{"var": "id"}, ident]}
    page = read_records.list_page(reader, work, Query(query.entity, query.fields, alone, limit=1))
    inside = filters.joined([*filters.conditions(query.filter), alone])
    asked = replace(query, filter=inside, sort=(), cursor=None, limit=1)
    return drawn(map(table.row, page.ids, page.rows)), read_records.count(reader, work, asked, 1) > 0


def _with_condition(request: Request, policy: EntityPolicy, state: ListState, setting: Setting) -> str:
    """The address of the list with one more condition; unchanged where no value was given."""
    params = request.query_params
    field = policy.readable.get(params["by"])
    if field is None:
        return state.href()
    part = filters.condition(field, params.get("op", ""), "f-value", params, setting)
    parts = (
        [*filters.conditions(state.filter), part] if part is not None else filters.conditions(state.filter)
    )
    return state.href(filter=filters.joined(parts))


def _table(work: Work, policy: EntityPolicy, view: ListView, setting: Setting) -> Table:
    paths = tuple(column.path for column in view.columns)
    key = (*view_key(work), str(setting.zone), policy.entity.ref, paths)
    picking = policy.entity.parent is None and (policy.may("update") or policy.may("delete"))
    return _tables.get(key, lambda: prepare_table(work, policy, view, setting, picking=picking))


def _read(
    reader: Reader,
    work: Work,
    policy: EntityPolicy,
    chosen: Chosen,
    table: Table,
    query: Query,
    state: ListState,
    setting: Setting,
) -> Found:
    found = Found([], [], "", 0, *_choices(reader, work, policy, chosen.view, state))
    if state.kind == "board":
        return replace(found, board=_board(reader, work, policy, chosen, table, query, state, setting))
    if state.kind == "calendar":
        return replace(found, calendar=_calendar(reader, work, policy, table, query, state, setting))
    if state.group:
        rows = groups_shown(reader, work, policy, table, query, state, setting)
        count = read_records.count(reader, work, query, COUNT_LIMIT + 1)
        return replace(found, groups=rows, count=count)
    page = read_records.list_page(reader, work, query)
    alone = not state.q and len(filters.conditions(query.filter)) < 2
    limit = COUNT_LIMIT if alone else COUNT_FEWER
    count = read_records.count(reader, work, query, limit + 1)
    return replace(found, ids=page.ids, rows=page.rows, next=page.next or "", count=count, counted_to=limit)


def _calendar(
    reader: Reader,
    work: Work,
    policy: EntityPolicy,
    table: Table,
    query: Query,
    state: ListState,
    setting: Setting,
) -> Calendar:
    on, span = policy.readable[state.on], span_of(state, work.context.today)
    part = within(on, span.start, span.start + timedelta(days=span.days), setting)
    asked = replace(
        query,
        fields=(*query.fields, on.id),
        filter=filters.joined([*filters.conditions(query.filter), part]),
        sort=(on.id,),
        limit=MOST,
        cursor=None,
    )
    page = read_records.list_page(reader, work, asked)
    return calendar_shown(work, policy, on, table, span, page, state, setting)


def _board(
    reader: Reader,
    work: Work,
    policy: EntityPolicy,
    chosen: Chosen,
    table: Table,
    query: Query,
    state: ListState,
    setting: Setting,
) -> Board:
    target = board.board_field(work, policy.entity.ref, state.on)
    summed = summed_path(work, policy, chosen)
    only = ["" if state.column == NONE else state.column] if state.column else None
    paged = replace(query, limit=board.CARDS, cursor=query.cursor if only else None)
    columns = board.read(reader, work, paged, state.on, summed, only)
    if only:
        rest = [each.id for each in target.options if each.id not in only] + ([] if "" in only else [""])
        columns += board.read(reader, work, replace(paged, cursor=None), state.on, summed, rest)
        order = [each.id for each in sorted(target.options, key=lambda o: (o.order, o.id))] + [""]
        columns.sort(key=lambda column: order.index(column.option))
    return board_shown(work, policy, target, summed, table, columns, state, setting)


def _choices(
    reader: Reader, work: Work, policy: EntityPolicy, view: ListView, state: ListState
) -> tuple[dict[str, str], dict[str, tuple[tuple[str, str], ...]]]:
    """Titles of the records that conditions name, and what quick filters and the builder choose from."""
    quick: dict[str, tuple[tuple[str, str], ...]] = {}
    for name in view.filters:
        field = policy.readable.get(name)
        if field is not None and field.leads_to_records and work.policy.entity(field.to or ""):
            quick[name] = read_records.choices(reader, work, field.to or "", QUICK_CHOICES, tuple)
    building = policy.readable.get(state.build)
    if building is not None and building.leads_to_records and work.policy.entity(building.to or ""):
        quick[""] = read_records.choices(reader, work, building.to or "", QUICK_CHOICES, tuple)
    named = filters.linked_ids(
        filters.conditions(state.filter), lambda path: resolve(work.policy, policy, path)
    )
    for name, value in state.equals:
        field = policy.readable.get(name)
        if field is not None and field.leads_to_records:
            named.setdefault(field.to or "", set()).add(value)
    titles: dict[str, str] = {}
    for ref, ids in named.items():
        if work.policy.entity(ref) is not None:
            titles |= read_records.titles(reader, work, ref, sorted(ids))
    return titles, quick


ROUTES = (
    Route("/apps/{app}/{entity}", show_list, SIGNED_IN),
    Route("/apps/{app}/{entity}/{id}/row", show_row, SIGNED_IN, per_minute=600),
)
