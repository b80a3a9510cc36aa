"""What views are bound with, per request: labels, locale, zone; and the lines a person may see."""

from __future__ import annotations

from types import MappingProxyType

from dacheng.metadata.definition import ListView
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields.base import LineColumns, Setting
from dacheng.runtime.web.render import asset
from dacheng.runtime.web.view.prepared import Prepared
from dacheng.runtime.web.words import words

_settings: Prepared[Setting] = Prepared(64)


def setting_of(work: Work) -> Setting:
    """The setting of this request; the same one for all requests of one policy, labels and locale."""
    context = work.context
    key = (*view_key(work), str(context.zone))

    def make() -> Setting:
        return Setting(
            labels=context.labels,
            locale=context.locale,
            say=words(context.locale),
            zone=context.zone,
            icons=asset("icons.svg"),
            children=MappingProxyType(dict(_children(work))),
        )

    return _settings.get(key, make)


def view_key(work: Work) -> tuple[str, str, str]:
    """What every prepared view is keyed by besides its own definition."""
    return (work.policy.hash, work.context.labels.hash, work.context.locale)


def list_views(work: Work, ref: str) -> tuple[ListView, ...]:
    """The lists over an entity, in order, the default one first among equals."""
    found = [
        view
        for app in work.model.catalogue.apps.values()
        for view in app.lists.values()
        if view.entity == ref
    ]
    return tuple(sorted(found, key=lambda view: (view.order, not view.default, view.id)))


def _children(work: Work) -> list[tuple[str, LineColumns]]:
    return [
        (ref, _line_columns(work, policy))
        for ref, policy in work.policy.entities.items()
        if policy.entity.parent is not None
    ]


def _line_columns(work: Work, policy: EntityPolicy) -> LineColumns:
    seen = [f for f in policy.readable.values() if not f.system and not f.is_lines]
    shown = [f for f in seen if not f.spec.get("x-hidden")]
    carried = tuple(f for f in seen if f not in shown and f.id in policy.writable)
    parent = work.policy.entity(policy.entity.parent or "")
    rollups = parent.entity.rollups if parent is not None else ()
    summed = {r.of for r in rollups if r.child == policy.entity.ref and r.aggregate == "sum" and r.of}
    return LineColumns(tuple(shown), policy.writable, frozenset(summed), policy.entity.formulas, carried)
