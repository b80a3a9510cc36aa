"""Fields computed from others: formulas over values of the same record, lookups along its links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from dacheng.metadata.compile.context import Compiling
from dacheng.metadata.definition import Field
from dacheng.metadata.derived import Formula
from dacheng.metadata.expression import Call, RecordOf, Var
from dacheng.metadata.field_kinds.formula import RESULTS
from dacheng.metadata.kinds import Shape
from dacheng.metadata.problem import problem

Fields = Mapping[str, Field]
MOVING = frozenset(
    {"version", "updated_at", "updated_by"}
)  # they move with every write, a formula's own included
_NOT_FROM_THERE = frozenset(
    {"x-default", "x-required", "x-unique", "x-search", "x-index", "x-hidden", "x-order"}
)


# ---------------------------------------------------------------- formulas
def formulas_of(work: Compiling, fields: Fields) -> tuple[Formula, ...]:
    """The formulas of an entity, each behind those it looks at; what is wrong with one is noted and it is left out."""
    found: dict[str, Formula] = {}
    for field in fields.values():
        if field.kind == "formula":
            made = _formula(work, field, fields)
            if made is not None:
                found[field.id] = made
    return _in_order(work, fields, found)


def _formula(work: Compiling, field: Field, fields: Fields) -> Formula | None:
    where, file = _place(work, field, "x-expression")
    expression = work.expression(
        field.spec["x-expression"], field.entity, file, where, wanted=field.codec.type
    )
    if expression is None:
        return None
    if not all(_is_own_value(path, fields) for path in expression.dependencies):
        work.problems.append(problem("definition.formula_inputs", where, file, field=field.id))
        return None
    if expression.uses_now and len(field.codec.columns) > 1:
        work.problems.append(problem("definition.formula_result", where, file, field=field.id))
        return None
    inputs = frozenset(path[0] for path in expression.dependencies)
    return Formula(field.id, expression, inputs, stored=not expression.uses_now)


def _is_own_value(path: tuple[str, ...], fields: Fields) -> bool:
    """Whether a path ends in a value of the record itself: what moves elsewhere would move without a write to it, and
    who may see a link does not always see that it leads somewhere."""
    first = fields.get(path[0])
    return (
        first is not None
        and first.to is None
        and first.shape is Shape.VALUE
        and first.id not in MOVING
        and (len(path) == 1 or (len(path) == 2 and isinstance(first.codec.type, RecordOf)))
    )


def _in_order(work: Compiling, fields: Fields, found: Mapping[str, Formula]) -> tuple[Formula, ...]:
    done: dict[str, Formula] = {}
    left = dict(found)
    while left:
        ready = [name for name, each in left.items() if each.inputs.isdisjoint(left)]
        if not ready:
            _note_cycle(work, fields, left)
            return tuple(done.values())
        for name in ready:
            each = left.pop(name)
            moving = sorted(other for other in each.inputs if other in done and not done[other].stored)
            if moving:
                where, file = _place(work, fields[name], "x-expression")
                work.problems.append(problem("definition.computed_on_read", where, file, field=moving[0]))
            done[name] = each
    return tuple(done.values())


def _note_cycle(work: Compiling, fields: Fields, left: Mapping[str, Formula]) -> None:
    on_it = {name for name in left if _leads_back(name, left)}
    for name in sorted(on_it):
        where, file = _place(work, fields[name], "x-expression")
        work.problems.append(
            problem("definition.formula_cycle", where, file, fields=", ".join(sorted(on_it)))
        )


def _leads_back(name: str, left: Mapping[str, Formula]) -> bool:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        for each in left[waiting.pop()].inputs & left.keys():
            if each == name:
                return True
            if each not in seen:
                seen.add(each)
                waiting.append(each)
    return False


def with_formulas(fields: Fields, formulas: tuple[Formula, ...]) -> Fields:
    """The fields, formulas in the shape of their results: those computed when read have no column and no order."""
    made = dict(fields)
    for each in formulas:
        field = fields[each.field]
        kind = RESULTS[field.spec["x-result"]]
        named = _named(each, fields)
        made[field.id] = replace(
            field,
            view="choice" if named is not None else kind.view or kind.id,
            sortable=kind.sortable and each.stored,
            virtual=not each.stored,
            options=named.options if named is not None else (),
            names=named,
        )
    return MappingProxyType(made)


def _named(formula: Formula, fields: Fields) -> Field | None:
    """The multi-choice whose first choice a formula gives: it is shown in the words of that choice."""
    node = formula.expression.node
    if not isinstance(node, Call) or node.operator != "first" or not isinstance(node.args[0], Var):
        return None
    source = fields.get(node.args[0].path[0])
    return source if source is not None and source.options else None


# ---------------------------------------------------------------- lookups
def lookup(work: Compiling, entity: str, name: str, spec: Mapping[str, Any]) -> Field | None:
    """A lookup as a field in the shape of the one it shows; one that leads to no value is noted."""
    path = _followed(work, entity, spec["x-path"])
    if path is None:
        where, file = f"/properties/{name}/x-path", work.file("entity", entity.split(".", 1)[1])
        work.problems.append(problem("definition.lookup_path", where, file, field=name, path=spec["x-path"]))
        return None
    far = path[-1]
    there = {key: value for key, value in far.spec.items() if key not in _NOT_FROM_THERE}
    return replace(
        far,
        id=name,
        entity=entity,
        kind="lookup",
        spec=MappingProxyType({**there, **spec}),
        order=int(spec.get("x-order", 0)),
        required=False,
        unique=False,
        searchable=False,
        indexed=False,
        derived=True,
        system=False,
        default=None,
        hidden=bool(spec.get("x-hidden", False)),
        assigned=False,
        virtual=True,
        shows=path,
    )


def _followed(work: Compiling, entity: str, path: str) -> tuple[Field, ...] | None:
    """The fields along a path: links, then a value that is stored there."""
    found: list[Field] = []
    here = entity
    *links, last = path.split(".")
    for step in links:
        field = work.fields(here).get(step)
        if field is None or not field.is_link or field.to is None:
            return None
        found.append(field)
        here = field.to
    far = work.fields(here).get(last)
    if far is None or far.shape is not Shape.VALUE or far.to is not None or far.virtual:
        return None
    return (*found, far) if far.codec.columns else None


def _place(work: Compiling, field: Field, key: str) -> tuple[str, str]:
    name = field.entity.split(".", 1)[1]
    return f"/properties/{field.id}/{key}", work.file("entity", name)
