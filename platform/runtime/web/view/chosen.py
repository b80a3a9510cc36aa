"""Which view of a list is open: the app's or a saved one, with the columns a person chose for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dacheng.metadata.definition import Column, ListView, Sort
from dacheng.runtime.services import list_choices, saved_views
from dacheng.runtime.services.list_choices import ALL, Choices
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.saved_views import SavedView
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.view.list_state import Base, ListState
from dacheng.runtime.web.view.setting import list_views
from dacheng.runtime.web.view.table import generated_columns

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Known:
    """Everything there is to open: the app's lists, saved views, and what the person chose."""

    lists: tuple[ListView, ...]
    saved: tuple[SavedView, ...]
    choices: Choices


@dataclass(frozen=True, slots=True)
class Chosen:
    """The open view: `view` says how it is shown, `base` what its address need not say.

    `key` names it in choices and addresses (`-` for all records of an entity without a list); `saved` is
    None for a list of the app; `own_columns` says that the person chose its columns.
    """

    key: str
    view: ListView
    saved: SavedView | None
    base: Base
    own_columns: bool
    narrowed: bool  # by a filter of the view itself


def known(reader: Reader, work: Work, ref: str) -> Known:
    """What a person may open of one entity."""
    return Known(
        list_views(work, ref),
        tuple(saved_views.views(reader, work, ref)),
        list_choices.read(reader, work, ref),
    )


def choose(work: Work, policy: EntityPolicy, found: Known, wanted: str) -> Chosen:
    """The view asked for, else the person's default, else the app's, else all records."""
    saved = {view.id: view for view in found.saved}
    lists = {view.id: view for view in found.lists}
    app_default = work.model.catalogue.lists.get(policy.entity.ref) or next(iter(found.lists), None)
    for name in (wanted,) if wanted == ALL else (wanted, found.choices.default):
        if name in saved:
            return _saved(policy, saved[name], lists, app_default, found.choices.columns)
        if name in lists:
            return _of_app(policy, lists[name], found.choices.columns)
    return _of_app(policy, app_default, found.choices.columns)


def _of_app(policy: EntityPolicy, view: ListView | None, columns: Mapping[str, Sequence[str]]) -> Chosen:
    key = view.id if view is not None else ALL
    shown = view if view is not None else _generated(policy)
    own = columns.get(key, ())
    base = Base(kind=shown.kind, on=shown.on, group=tuple(map(".".join, shown.group)))
    return Chosen(key, _with_columns(shown, own), None, base, bool(own), shown.filter is not None)


def _saved(
    policy: EntityPolicy,
    saved: SavedView,
    lists: Mapping[str, ListView],
    app_default: ListView | None,
    columns: Mapping[str, Sequence[str]],
) -> Chosen:
    shape = saved.shape
    began = lists.get(shape.list) or replace(app_default or _generated(policy), filter=None)
    sort = tuple(Sort(_path(key.removeprefix("-")), key.startswith("-")) for key in shape.sort)
    shown = replace(_with_columns(began, shape.columns), id=saved.id, sort=sort or began.sort)
    own = columns.get(saved.id, ())
    base = Base(shape.filter, shape.kind, shape.on, shape.group)
    narrowed = shape.filter is not None or began.filter is not None
    return Chosen(saved.id, _with_columns(shown, own), saved, base, bool(own), narrowed)


def _generated(policy: EntityPolicy) -> ListView:
    sort = (Sort(("updated_at",), descending=True),) if "updated_at" in policy.readable else ()
    return ListView("", policy.entity.ref, generated_columns(policy), sort, page_size=PAGE_SIZE)


def _with_columns(view: ListView, paths: Sequence[str]) -> ListView:
    if not paths:
        return view
    return replace(view, columns=tuple(Column(path, _path(path), at) for at, path in enumerate(paths)))


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.split("."))


def changed(state: ListState) -> bool:
    """Whether the list as it is now differs from the view that is open."""
    now = Base(state.filter, state.kind, state.on, state.group)
    return now != state.base or bool(state.equals) or bool(state.sort)
