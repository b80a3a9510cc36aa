"""Resolved package + Kinds → CompiledApp, and all apps → Catalogue: pure, bounded, refusing with every problem."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from dacheng.metadata.checks.references import check_references
from dacheng.metadata.checks.structure import check_structure
from dacheng.metadata.compile.context import Compiling
from dacheng.metadata.compile.entities import compile_entities
from dacheng.metadata.compile.items import (
    compile_dashboard,
    compile_form,
    compile_list,
    compile_measure,
    compile_navigation,
)
from dacheng.metadata.compile.kept import kept
from dacheng.metadata.compile.processes import (
    compile_automation,
    compile_guide,
    compile_match,
    compile_role,
    compile_rule,
    compile_workflow,
)
from dacheng.metadata.definition import (
    Catalogue,
    CompiledApp,
    Entity,
    Form,
    ListView,
    Package,
    Rule,
)
from dacheng.metadata.kinds import Kinds, Shape
from dacheng.metadata.package import with_hash
from dacheng.metadata.problem import Refused, problem
from dacheng.metadata.system_fields import CORE
from dacheng.metadata.timing import Watch, watches

MAX_ENTITIES = 500
MAX_ITEMS = 5_000
OWN_KINDS = (
    "entity", "form", "list", "measure", "dashboard", "workflow", "rule", "role", "match", "data",
    "scenario", "guide",
)  # fmt: skip
_T = TypeVar("_T")

__all__ = ["compile_app", "compile_catalogue", "dependency_order"]


def compile_app(package: Package, kinds: Kinds, others: Mapping[str, CompiledApp]) -> CompiledApp:
    """The compiled app of a folded package; raises Refused with every problem found, never anything else.

    `others` are the apps it requires, already compiled; `core` is required by every app but itself. The same content
    with the same kinds gives the app compiled before.
    """
    if not package.hash:
        return _compile(package, kinds, others)
    return kept(_digest(package, kinds, others), kinds, lambda: _compile(package, kinds, others))


def _compile(package: Package, kinds: Kinds, others: Mapping[str, CompiledApp]) -> CompiledApp:
    if len(package.items) > MAX_ITEMS or sum(kind == "entity" for kind, _ in package.items) > MAX_ENTITIES:
        raise Refused([problem("definition.too_many", file="app.json", limit=MAX_ENTITIES)])
    problems = check_structure(package, kinds) or check_references(package, kinds, others)
    if problems:
        raise Refused(problems)
    work = Compiling(package, kinds, others)
    compile_entities(work)
    if work.problems:
        raise Refused(work.problems)
    app = _assemble(work)
    if work.problems:
        raise Refused(work.problems)
    return app


def _assemble(work: Compiling) -> CompiledApp:
    package = work.package
    manifest = package.manifest

    def each(kind: str, make: Callable[[Compiling, Mapping[str, Any]], _T]) -> Mapping[str, _T]:
        found = sorted((i, item) for (k, i), item in package.items.items() if k == kind)
        return MappingProxyType({i: make(work, item) for i, item in found})

    others: dict[str, dict[str, Mapping[str, Any]]] = {}
    for (kind, item_id), item in package.items.items():
        if kind not in OWN_KINDS:
            others.setdefault(kind, {})[item_id] = item
    return CompiledApp(
        id=package.id,
        version=package.version,
        hash=_app_hash(work),
        requires=MappingProxyType(dict(manifest.get("requires", {}))),
        locales=tuple(manifest["locales"]),
        icon=manifest.get("icon", "file"),
        navigation=compile_navigation(work),
        entities=MappingProxyType(work.entities),
        forms=each("form", compile_form),
        lists=each("list", compile_list),
        measures=each("measure", compile_measure),
        dashboards=each("dashboard", compile_dashboard),
        workflows=each("workflow", compile_workflow),
        rules=each("rule", compile_rule),
        roles=each("role", compile_role),
        matches=each("match", compile_match),
        data=each("data", lambda _work, item: item),
        scenarios=each("scenario", lambda _work, item: item),
        guides=each("guide", compile_guide),
        others=MappingProxyType(others),
        automation=compile_automation(work),
        manifest=manifest,
    )


def _app_hash(work: Compiling) -> str:
    return _digest(work.package, work.kinds, work.others)[:16]


def _digest(package: Package, kinds: Kinds, others: Mapping[str, CompiledApp]) -> str:
    own = package.hash or with_hash(package).hash
    required = sorted(other.hash for app, other in others.items() if app in _required(package))
    return hashlib.sha256("|".join([own, kinds.hash, *required]).encode()).hexdigest()


def _required(package: Package) -> set[str]:
    requires = package.manifest.get("requires")
    names = set(requires) if isinstance(requires, Mapping) else set()  # its shape is checked later
    return names | {CORE} if package.id != CORE else names


def dependency_order(packages: Sequence[Package]) -> tuple[Package, ...]:
    """The packages so that each comes after those it requires; two of one id or a cycle are refused."""
    by_id: dict[str, Package] = {}
    for package in packages:
        if package.id in by_id:
            raise Refused([problem("definition.app_twice", "/id", "app.json", app=package.id)])
        by_id[package.id] = package
    done: list[Package] = []
    left = dict(sorted(by_id.items()))
    while left:
        ready = [app for app, package in left.items() if not (_required(package) & set(left)) - {app}]
        if not ready:
            raise Refused(
                [problem("definition.requires_cycle", "/requires", "app.json", apps=", ".join(left))]
            )
        done.extend(left.pop(app) for app in ready)
    return tuple(done)


def compile_catalogue(packages: Sequence[Package], kinds: Kinds) -> Catalogue:
    """All apps compiled in dependency order, with the indexes the runtime looks things up in."""
    apps: dict[str, CompiledApp] = {}
    for package in dependency_order(packages):
        apps[package.id] = compile_app(package, kinds, apps)
    return catalogue_of(apps, kinds)


def catalogue_of(apps: Mapping[str, CompiledApp], kinds: Kinds) -> Catalogue:
    """The catalogue of apps that are compiled already; equal content gives an equal hash."""
    entities = {entity.ref: entity for app in apps.values() for entity in app.entities.values()}
    forms = [form for app in apps.values() for form in app.forms.values()]
    lists = [one for app in apps.values() for one in app.lists.values()]
    rules = sorted((rule for app in apps.values() for rule in app.rules.values()), key=_firing_order)
    text = "|".join([kinds.hash, *(f"{app}:{apps[app].hash}" for app in sorted(apps))])
    return Catalogue(
        apps=MappingProxyType(dict(apps)),
        entities=MappingProxyType(entities),
        roles=MappingProxyType({role.ref: role for app in apps.values() for role in app.roles.values()}),
        measures=MappingProxyType({one.ref: one for app in apps.values() for one in app.measures.values()}),
        forms=_defaults(forms),
        lists=_defaults(lists),
        workflows=MappingProxyType({w.entity: w for app in apps.values() for w in app.workflows.values()}),
        matches=_grouped([(m.entity, m) for app in apps.values() for m in app.matches.values()]),
        rules=_grouped([(rule.entity, rule) for rule in rules if rule.enabled]),
        timed=MappingProxyType(
            {f"{rule.app}.{rule.id}": rule for rule in rules if rule.enabled and rule.timing}
        ),
        watches=_grouped([each for rule in rules if rule.enabled for each in _watches(rule, entities)]),
        children=_grouped([(e.parent, e.ref) for e in entities.values() if e.parent is not None]),
        links=_grouped(_links(entities, Shape.LINK)),
        many_links=_grouped(_links(entities, Shape.LINKS)),
        hash=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


def _watches(rule: Rule, entities: Mapping[str, Entity]) -> list[tuple[str, Watch]]:
    """Whose changes a rule that waits has to hear of."""
    timing = rule.timing
    if timing is None or timing.since is None:
        return []
    entity = entities[rule.entity]
    links = {field.id: field.to for field in entity.fields.values() if field.shape is Shape.LINK and field.to}
    derived = (entity.rollups, entity.formulas)
    return list(watches(f"{rule.app}.{rule.id}", rule.entity, timing, links, derived))


def _firing_order(rule: Rule) -> tuple[int, str, str]:
    return (rule.order, rule.app, rule.id)


def _defaults(views: Sequence[_View]) -> Mapping[str, _View]:
    chosen: dict[str, _View] = {}
    for view in sorted(views, key=lambda one: (not one.default, getattr(one, "order", 0), one.id)):
        chosen.setdefault(view.entity, view)
    return MappingProxyType(chosen)


_View = TypeVar("_View", Form, ListView)


def _grouped(pairs: Sequence[tuple[str, _T]]) -> Mapping[str, tuple[_T, ...]]:
    groups: dict[str, list[_T]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return MappingProxyType({key: tuple(values) for key, values in groups.items()})


def _links(entities: Mapping[str, Entity], shape: Shape) -> list[tuple[str, tuple[str, str]]]:
    return [
        (field.to, (entity.ref, field.id))
        for entity in entities.values()
        for field in entity.fields.values()
        if field.shape is shape and field.to is not None
    ]
