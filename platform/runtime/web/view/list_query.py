"""The question a list's address asks of the query gate, and the shape that would be saved of it."""

from __future__ import annotations

from dacheng.metadata.definition import ListView
from dacheng.metadata.kinds import Json
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.saved_views import Shape
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields.base import Setting
from dacheng.runtime.web.view import filters
from dacheng.runtime.web.view.chosen import Chosen
from dacheng.runtime.web.view.list_state import ListState
from dacheng.runtime.web.view.table import resolve


def query_of(
    work: Work,
    policy: EntityPolicy,
    view: ListView,
    paths: tuple[str, ...],
    state: ListState,
    setting: Setting,
) -> Query:
    """One page of `paths` under everything the address and the view ask for."""
    return Query(
        entity=policy.entity.ref,
        fields=paths,
        filter=filters.joined(asked(policy, state, setting)),
        sort=sort_of(policy, view, state),
        search=state.q,
        limit=view.page_size,
        cursor=state.cursor or None,
        extra=(view.filter,) if view.filter is not None else (),
    )


def asked(policy: EntityPolicy, state: ListState, setting: Setting) -> list[Json]:
    """The conditions of an address, its equalities among them."""
    parts = filters.conditions(state.filter)
    for name, text in state.equals:
        field = policy.readable.get(name)
        held = "has" if field is not None and field.is_listed else "=="
        part = filters.condition(field, held, name, {name: text}, setting) if field is not None else None
        parts.append(part if part is not None else {"==": [{"var": name}, text]})
    return parts


def sort_of(policy: EntityPolicy, view: ListView, state: ListState) -> tuple[str, ...]:
    """The order asked for, else the view's own as far as it may be seen."""
    if state.sort:
        return tuple(part for part in state.sort.split(",") if part)
    keys = [("-" if one.descending else "") + ".".join(one.path) for one in view.sort]
    return tuple(key for key in keys if key.lstrip("-").split(".")[0] in policy.readable)


def shape_of(work: Work, policy: EntityPolicy, chosen: Chosen, state: ListState, setting: Setting) -> Shape:
    """The list as it is now: conditions, order, columns, grouping and how it is shown."""
    began = chosen.saved.shape.list if chosen.saved is not None else chosen.view.id
    return Shape(
        list=began,
        filter=filters.joined(asked(policy, state, setting)),
        sort=sort_of(policy, chosen.view, state),
        columns=tuple(
            ".".join(column.path)
            for column in chosen.view.columns
            if resolve(work.policy, policy, column.path) is not None
        ),
        group=state.group,
        kind=state.kind,
        on=state.on if state.kind != "table" else "",
    )
