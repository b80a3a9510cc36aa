"""Defaults of a new record: decided over the record as it stands so far, by a page and by the API alike."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

from dacheng.metadata.definition import Entity, Form
from dacheng.metadata.expression import Expression
from dacheng.metadata.problem import Refused
from dacheng.plugins.context import Context
from dacheng.runtime.services import links
from dacheng.runtime.services.conditions import Subject, value_of

MAX_PASSES = 4
Defaults = Iterable[tuple[str, Expression]]


def defaults_of(entity: Entity, form: Form | None) -> dict[str, Expression]:
    """The default of each field that has one; what a form says goes before what its field says."""
    found = {name: each.default for name, each in entity.fields.items() if each.default is not None}
    for section in form.sections if form is not None else ():
        found.update({each.field: each.default for each in section.fields if each.default is not None})
    return found


def settle(
    defaults: Defaults, subject: Subject, context: Context, given: Container[str], readable: Container[str]
) -> dict[str, Any]:
    """Typed defaults of the fields that are not `given`; one that looks at another's follows it.

    That repeats a few times; defaults that never settle stay as the last pass left them. Only what is
    `readable` is looked at. A value that its field refuses raises `Refused` there.
    """
    left = [(name, each) for name, each in defaults if name not in given]
    chained = _chained(left, subject.entity)
    found: dict[str, Any] = {}
    for _ in range(MAX_PASSES if chained else 1):
        now = {
            name: value for name, each in left if (value := _value(name, each, subject, context)) is not None
        }
        if now == found:
            break
        found = now
        if chained:
            seen = {name: found.get(name) for name, _ in left if name in readable}
            subject = subject.with_values(seen)
    return found


def _chained(defaults: Iterable[tuple[str, Expression]], entity: Entity) -> bool:
    """Whether any of these defaults looks at what another one of them decides, itself or through a formula."""
    names = {name for name, _ in defaults} | {each.field for each in entity.formulas}
    return any(path[0] in names for _, each in defaults for path in each.dependencies if path)


def _value(name: str, default: Expression, subject: Subject, context: Context) -> Any:
    value = value_of(default, subject, context)
    if value is None:
        return None
    target = subject.entity.fields[name]
    try:
        return target.codec.parse(links.raw(target, value))
    except Refused as refused:
        raise Refused([each.at(f"/{name}") for each in refused.problems]) from refused


def looked_at(defaults: Mapping[str, Expression], entity: Entity) -> frozenset[str]:
    """The fields of a record whose change can move one of its defaults, formulas and figures over lines opened."""
    waiting = [path[0] for each in defaults.values() for path in each.dependencies if path]
    inputs = {each.field: each.inputs for each in entity.formulas}
    lines = {each.to: name for name, each in entity.fields.items() if each.is_lines}
    figures = {each.field: lines[each.child] for each in entity.rollups if each.child in lines}
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += inputs.get(name, ())
        waiting += [figures[name]] if name in figures else []
    return frozenset(found)
