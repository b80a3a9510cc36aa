"""The tabs of a list's views and the two menus beside them: the view itself, and its columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dacheng.metadata.definition import Field
from dacheng.runtime.services import gate, saved_views
from dacheng.runtime.services.group_records import is_groupable
from dacheng.runtime.services.list_choices import ALL
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields.base import Setting
from dacheng.runtime.web.page import Link
from dacheng.runtime.web.view.chosen import Chosen, Known, changed
from dacheng.runtime.web.view.groups import groupable
from dacheng.runtime.web.view.list_state import Leads, ListState
from dacheng.runtime.web.view.prepared import Prepared
from dacheng.runtime.web.view.setting import view_key
from dacheng.runtime.web.view.table import column_label, resolve

COLUMNS_OPEN = "-columns"  # what the address is building while columns are being moved
MAX_OFFERED = 120
ICONS = {"table": "list", "board": "matrix", "calendar": "calendar"}
_kinds: Prepared[tuple[str, ...]] = Prepared(512)


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """One column on offer: whether it is shown, and whether it can go up or down from where it stands."""

    path: str
    label: str
    shown: bool
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class ColumnPick:
    """The menu of columns; `more` are fields of linked records, `own` that the person has chosen before."""

    shown: tuple[ColumnRow, ...]
    others: tuple[ColumnRow, ...]
    more: tuple[ColumnRow, ...]
    own: bool
    open: bool
    density: str


@dataclass(frozen=True, slots=True)
class Ways:
    """How the list can be shown: a link per kind, then one per field that the kind shown could stand on."""

    kinds: tuple[Link, ...]
    fields: tuple[Link, ...]
    kind: str
    on: str
    groups: tuple[Link, ...] = ()
    grouped: str = ""  # what rows are grouped by now, in words


@dataclass(frozen=True, slots=True)
class ViewMenu:
    """The menu of the open view. `state` is the list's address as it is now, to be saved."""

    key: str
    name: str
    own_name: str  # a saved view's name; empty for a list of the app
    state: str
    changed: bool
    may_change: bool
    may_share: bool
    shared: bool
    usable: bool
    is_default: bool


def tabs(found: Known, state: ListState, setting: Setting) -> tuple[Link, ...]:
    """A link to each view, the app's first; a shared one carries a sign."""
    app = "" if not found.lists else found.lists[0].entity.split(".", 1)[0]
    links = [
        Link(
            setting.labels.text(setting.locale, app, f"list:{one.id}"),
            ListState(state.path, view=one.id).href(),
            key=one.id,
        )
        for one in found.lists
    ]
    if not links:
        every = ListState(state.path, view=ALL if found.saved else "")  # one of those may open first
        links.append(Link(setting.say("list.all"), every.href(), key=ALL))
    links.extend(
        Link(one.name, ListState(state.path, view=one.id).href(), "people" if one.shared else "", one.id)
        for one in found.saved
    )
    return tuple(links)


def view_menu(
    work: Work, policy: EntityPolicy, found: Known, chosen: Chosen, state: ListState, name: str
) -> ViewMenu:
    """What can be done with the open view."""
    saved, default = chosen.saved, found.choices.default
    app_default = work.model.catalogue.lists.get(policy.entity.ref)
    is_default = default == chosen.key or (
        not default and app_default is not None and app_default.id == chosen.key
    )
    return ViewMenu(
        key=chosen.key,
        name=name,
        own_name=saved.name if saved is not None else "",
        state=state.leads().state,
        changed=changed(state),
        may_change=saved is not None and saved.may_change,
        may_share=policy.share_views,
        shared=saved is not None and saved.shared,
        usable=saved is None or saved.usable,
        is_default=is_default,
    )


def column_pick(
    work: Work, policy: EntityPolicy, found: Known, chosen: Chosen, state: ListState, setting: Setting
) -> ColumnPick:
    """The columns shown, in order, and those on offer."""
    now = [".".join(column.path) for column in chosen.view.columns]
    shown = [path for path in dict.fromkeys(now) if resolve(work.policy, policy, path.split(".")) is not None]
    own = [
        name
        for name, each in policy.readable.items()
        if _offered(each) and name not in shown and _titled(work, each) not in shown
    ]
    through = [path for path in _through_links(work, policy) if path not in shown][:MAX_OFFERED]

    def rows(paths: list[str], *, of_shown: bool = False) -> tuple[ColumnRow, ...]:
        return tuple(
            ColumnRow(
                path,
                column_label(work.policy, policy, tuple(path.split(".")), setting),
                of_shown,
                at == 0,
                at == len(paths) - 1,
            )
            for at, path in enumerate(paths)
        )

    return ColumnPick(
        rows(shown, of_shown=True),
        rows(own),
        rows(through),
        chosen.own_columns,
        state.build == COLUMNS_OPEN,
        found.choices.density,
    )


def _offered(each: Field) -> bool:
    return bool(each.codec.columns) and each.id not in ("id", "version") and not each.spec.get("x-hidden")


def _titled(work: Work, link: Field) -> str:
    """The path of a link's title, which shows the same as the link itself."""
    target = work.policy.entity(link.to or "") if link.is_link else None
    return f"{link.id}.{target.entity.title}" if target is not None else link.id


def _through_links(work: Work, policy: EntityPolicy) -> Iterator[str]:
    for name, link in policy.readable.items():
        target = work.policy.entity(link.to or "") if link.is_link else None
        if target is None or name in ("created_by", "updated_by"):
            continue
        for inner, each in target.readable.items():
            if (
                _offered(each)
                and not each.system
                and not each.leads_to_records
                and inner != target.entity.title
            ):
                yield f"{name}.{inner}"


def fits(work: Work, policy: EntityPolicy, kind: str) -> tuple[Field, ...]:
    """The fields a board or a calendar can stand on: the workflow's first, system fields last."""
    flow = work.model.catalogue.workflows.get(policy.entity.ref)
    found = [
        each
        for each in policy.readable.values()
        if saved_views.stands_on(kind, each) and not each.spec.get("x-hidden")
    ]
    return tuple(sorted(found, key=lambda each: (flow is None or flow.field != each.id, each.system)))


def settled(work: Work, policy: EntityPolicy, state: ListState) -> ListState:
    """The state with a field to stand on, a table where there is none; groups by what may be grouped by alone."""
    paths = [(path, gate.resolve(work, policy.entity.ref, path)) for path in state.group]
    known = tuple(path for path, found in paths if found is not None and is_groupable(found))
    state = replace(state, group=known) if known != state.group else state
    if state.kind not in saved_views.KINDS or state.kind == "table":
        return replace(state, kind="table", on="")
    ids = [each.id for each in fits(work, policy, state.kind)]
    if not ids:
        return replace(state, kind="table", on="")
    return state if state.on in ids else replace(state, on=ids[0])


def kinds_offered(work: Work, policy: EntityPolicy) -> tuple[str, ...]:
    """How records of an entity can be shown: those it has a field for."""

    def make() -> tuple[str, ...]:
        return tuple([k for k in saved_views.KINDS if k == "table" or fits(work, policy, k)])

    return _kinds.get((*view_key(work), policy.entity.ref), make)


def ways(work: Work, policy: EntityPolicy, state: ListState, leads: Leads, setting: Setting) -> Ways:
    """The kinds offered, and what the kind shown can stand on or rows can be grouped by."""
    kinds = tuple(
        Link(setting.say(f"list.as_{kind}"), f"{leads.kind}show-as={kind}", ICONS[kind], kind)
        for kind in kinds_offered(work, policy)
    )
    standing = fits(work, policy, state.kind) if state.kind != "table" else ()
    fields = tuple(
        Link(setting.labels.field(setting.locale, each), f"{leads.on}show-on={each.id}", key=each.id)
        for each in standing
    )
    if state.kind != "table":
        return Ways(kinds, fields, state.kind, state.on)
    labels = [column_label(work.policy, policy, tuple(path.split(".")), setting) for path in state.group]
    grouped = " › ".join(filter(None, labels))
    groups = tuple(_group_links(work, policy, state, leads, setting))
    return Ways(kinds, fields, state.kind, state.on, groups, grouped)


def _group_links(
    work: Work, policy: EntityPolicy, state: ListState, leads: Leads, setting: Setting
) -> Iterator[Link]:
    """No grouping, each field to group by, and each field to group by below what is grouped already."""
    yield Link(setting.say("list.group_off"), leads.ungrouped, key="" if not state.group else "-")
    for each in groupable(work, policy):
        if each.id in state.group:
            continue
        label = setting.labels.field(setting.locale, each)
        group = (*state.group, each.id) if 0 < len(state.group) < saved_views.MAX_GROUPS else (each.id,)
        if len(group) > 1:
            label = setting.say("list.group_below", field=label)
        yield Link(label, f"{leads.group}group-by={','.join(group)}", key="-")
