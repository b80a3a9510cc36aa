"""A list's filter in full: groups of conditions put together line by line, with scripts or without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.definition import Field
from dacheng.runtime.services import read_records
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.fields.base import Setting
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.render import render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of
from dacheng.runtime.web.view import filter_tree, filters
from dacheng.runtime.web.view.chosen import choose, known
from dacheng.runtime.web.view.filter_form import draw_tree, fields_offered
from dacheng.runtime.web.view.filter_tree import Condition, Group
from dacheng.runtime.web.view.list_query import asked
from dacheng.runtime.web.view.list_state import ListState
from dacheng.runtime.web.view.setting import setting_of
from dacheng.runtime.web.view.table import resolve

CHOICES = 50
TREE = ("m.", "f.", "o.", "v.", "j.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterPage(Page):
    """The editor: the tree as HTML, and what the form sends along besides it."""

    path: str
    entity: str
    kept: tuple[tuple[str, str], ...]
    tree: Markup
    list: str


async def edit_filter(request: Request) -> Response:
    """The filter of a list as a form; each button is a step, the last one leads to the list."""
    work, host = work_of(request), host_of(request)
    ref = f"{request.path_params['app']}.{request.path_params['entity']}"
    policy, setting = work.entity(ref), setting_of(work)
    found = await host.db.read(lambda reader: known(reader, work, ref), bounded=True)
    chosen = choose(work, policy, found, request.query_params.get("view", ""))
    path = f"/apps/{ref.replace('.', '/')}"
    params = request.query_params
    state = ListState.of(path, {k: v for k, v in params.items() if not _of_tree(k)}, chosen.base)
    offered = fields_offered(work, policy, setting)

    def find(name: str) -> Field | None:
        return resolve(work.policy, policy, name.split(".")) if name in offered else None

    if any(_of_tree(name) for name in params):
        tree = filter_tree.from_form({k: v for k, v in params.items() if _of_tree(k)})
    else:
        whole = filters.joined(asked(policy, state, setting))
        tree = filter_tree.from_filter(whole, find, setting)
    tree = _step(tree, params.get("do", ""))
    if params.get("do") == "apply":
        wanted = filter_tree.to_filter(tree, find, setting)
        return RedirectResponse(state.href(filter=wanted, equals=()), 303)
    page = await host.db.read(lambda reader: _page(reader, work, policy, state, tree, setting))
    return render(request, "list_filter.html", page)


def _of_tree(name: str) -> bool:
    return name == "do" or name[:2] in TREE


def _step(tree: Group, do: str) -> Group:
    verb, _, place = do.partition(":")
    if verb == "add":
        return filter_tree.add(tree, place, Condition())
    if verb == "group":
        return filter_tree.add(tree, place, Group("or", (Condition(),)))
    if verb == "remove":
        return filter_tree.remove(tree, place)
    return tree


def _page(
    reader: Reader, work: Work, policy: EntityPolicy, state: ListState, tree: Group, setting: Setting
) -> FilterPage:
    offered = fields_offered(work, policy, setting)
    held: dict[str, Mapping[str, str]] = {}
    choices: dict[str, list[tuple[str, str]]] = {}
    for ref, ids in _linked(work, policy, tree, offered).items():
        choices[ref] = read_records.pick_list(reader, work, ref, "", CHOICES)
        held[ref] = read_records.titles(reader, work, ref, sorted(ids))
        missing = [(each, title) for each, title in held[ref].items() if (each, title) not in choices[ref]]
        choices[ref] = [*missing, *choices[ref]]
    entities = setting.labels.entity(setting.locale, policy.entity, "plural")
    return FilterPage(
        title=setting.say("list.filter_of", entities=entities),
        current=policy.entity.ref,
        crumbs=(Link(entities, state.href()),),
        back=state.href(),
        scripts=("list.js",),
        path=f"{state.path}/filter",
        entity=entities,
        kept=tuple(pair for pair in state.pairs() if pair[0] != "filter" and pair not in state.equals),
        tree=draw_tree(work, policy, tree, offered, choices, setting),
        list=state.href(),
    )


def _linked(work: Work, policy: EntityPolicy, tree: Group, offered: Mapping[str, str]) -> dict[str, set[str]]:
    """The entities whose records the tree's lines choose from, with the ids they hold."""
    found: dict[str, set[str]] = {}
    for node in tree.parts:
        if isinstance(node, Group):
            for ref, ids in _linked(work, policy, node, offered).items():
                found.setdefault(ref, set()).update(ids)
        elif node.path in offered:
            field = resolve(work.policy, policy, node.path.split("."))
            if (
                field is not None
                and field.leads_to_records
                and work.policy.entity(field.to or "") is not None
            ):
                found.setdefault(field.to or "", set()).update(filter(None, [node.texts.get("v", "")]))
    return found


ROUTES = (Route("/apps/{app}/{entity}/filter", edit_filter, SIGNED_IN),)
