"""Expressions put to work: combining row rules, evaluating them over a record, and telling why they held."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from dacheng.metadata.definition import Entity, Workflow
from dacheng.metadata.derived import Formula
from dacheng.metadata.expression import (
    TEXT,
    Call,
    Environment,
    Expression,
    Items,
    ListOf,
    Literal,
    Node,
    RecordOf,
    TraceNode,
    Type,
    Var,
    check,
    environment,
    evaluate,
    trace,
    walk,
)
from dacheng.metadata.field_kinds.money import Money
from dacheng.metadata.formulas import affected, compute
from dacheng.metadata.kinds import Json
from dacheng.metadata.system_fields import COLLABORATORS
from dacheng.plugins.context import Context, User

QUANTIFIERS = frozenset({"some", "all", "none"})
EXPLAINED_DEPTH = 12

_USER_FIELDS: Mapping[str, Type] = MappingProxyType(
    {"id": TEXT, "department": TEXT, "departments": ListOf(TEXT), "roles": ListOf(TEXT)}
)
_MAY_BE_MISSING = frozenset(
    {("$user", "department")}
)  # every actor has an id; lists may be empty, never missing
USER = RecordOf(_USER_FIELDS.get, "user")
CONTEXT_TYPES: Mapping[str, Type] = MappingProxyType({"$user": USER})

Rows = bool | Expression
Lookup = Callable[[str, str], Mapping[str, Any] | None]  # (entity reference, id) → typed values


# ---------------------------------------------------------------- combining
def either(rules: Sequence[Rows], entity: Entity) -> Rows:
    """Rows that any of the rules lets through."""
    if any(rule is True for rule in rules):
        return True
    found = list(dict.fromkeys(rule for rule in rules if isinstance(rule, Expression)))
    if len(found) < 2:
        return found[0] if found else False
    return check(Call("or", tuple(rule.node for rule in found)), entity.scope, CONTEXT_TYPES)


def known(rows: Rows, entity: Entity) -> Rows:
    """A row rule that lets nothing through where it looks at something the actor does not have.

    Equality is two-valued, so `department == $user.department` would open every row without a department to everyone
    without one. Each comparison below `and` and `or` holds only for actors who have what it looks at.
    """
    if isinstance(rows, bool):
        return rows
    node = _guarded(rows.node)
    return rows if node is rows.node else check(node, entity.scope, CONTEXT_TYPES)


def _guarded(node: Node) -> Node:
    if isinstance(node, Call) and node.operator in ("and", "or"):
        args = tuple(_guarded(arg) for arg in node.args)
        return node if all(a is b for a, b in zip(args, node.args, strict=True)) else replace(node, args=args)
    found = {each.path: each for each in walk(node) if isinstance(each, Var) and each.path in _MAY_BE_MISSING}
    if not found:
        return node
    return Call("and", (*(Call("is_set", (var,)) for _, var in sorted(found.items())), node))


def both(first: Expression | None, second: Expression | None, entity: Entity) -> Expression | None:
    """Rows that both conditions let through; None is no condition."""
    if first is None or second is None:
        return first if second is None else second
    return check(Call("and", (first.node, second.node)), entity.scope, CONTEXT_TYPES)


def works_on(entity: Entity, right: str = "") -> Expression:
    """Rows on which the actor is a collaborator, with any right or with this one."""
    person: Node = Call("==", (Var(("user",)), Var(("$user", "id"))))
    if right:
        person = Call("and", (person, Call("==", (Var(("right",)), Literal(right, TEXT)))))
    return check(Call("some", (Var((COLLABORATORS,)), person)), entity.scope, CONTEXT_TYPES)


def below(rows: Rows, via: str, entity: Entity) -> Rows:
    """A rule on the parent, said of its lines: every variable goes through the link `via`."""
    if isinstance(rows, bool):
        return rows
    return check(_moved(rows.node, via), entity.scope, CONTEXT_TYPES)


def _moved(node: Node, via: str) -> Node:
    if isinstance(node, Var):
        inside = bool(node.path) and not node.path[0].startswith("$")
        return replace(node, path=(via, *node.path)) if inside else node
    if isinstance(node, Items):
        return replace(node, items=tuple(_moved(item, via) for item in node.items))
    if isinstance(node, Call):
        if node.operator in QUANTIFIERS:  # inside the condition variables belong to the item
            return replace(node, args=(_moved(node.args[0], via), *node.args[1:]))
        return replace(node, args=tuple(_moved(arg, via) for arg in node.args))
    return node


# ---------------------------------------------------------------- the record evaluated
def stored_formulas(entity: Entity) -> Sequence[Formula]:
    """The formulas whose values are kept with the record."""
    return [each for each in entity.formulas if each.stored] if entity.formulas else ()


@dataclass(frozen=True, slots=True)
class Subject:
    """One record as conditions see it: typed values, lines by field, the state before, and how links are followed.

    `lookup` gives the typed values of a linked record, or None; it is asked only for links that a condition
    follows.
    """

    entity: Entity
    id: str
    values: Mapping[str, Any]
    lookup: Lookup
    entities: Mapping[str, Entity]
    lines: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    before: Mapping[str, Any] | None = None
    workflow: Workflow | None = None
    collaborators: Callable[[str, str], Sequence[Mapping[str, str]]] = lambda _ref, _id: ()

    def with_values(self, changed: Mapping[str, Any]) -> Subject:
        """The same record with some values replaced, its formulas computed from them."""
        return self.holding(self._computed(changed))

    def holding(self, values: Mapping[str, Any]) -> Subject:
        """The same record with these values for all of it, formulas among them."""
        return Subject(
            self.entity,
            self.id,
            values,
            self.lookup,
            self.entities,
            self.lines,
            self.before,
            self.workflow,
            self.collaborators,
        )

    def arriving(self, changed: Mapping[str, Any]) -> Subject:
        """The record as it would be after a change, its present values being what was before."""
        return replace(self, values=self._computed(changed), before=self.values)

    def _computed(self, changed: Mapping[str, Any]) -> Mapping[str, Any]:
        values, formulas = {**self.values, **changed}, stored_formulas(self.entity)
        if changed:  # the others stand as they were
            formulas = affected(formulas, changed)
        return {**values, **compute(formulas, self.entity.fields, values)} if formulas else values


def surroundings(context: Context, before: Mapping[str, Any] | None = None) -> Environment:
    """What `$user`, `$before` and `now` mean in this call."""
    values: dict[str, Any] = {"$user": user_values(context)}
    if before is not None:
        values["$before"] = before
    return environment(context.now, context.zone, values, context.calendar)


def user_values(context: Context) -> Mapping[str, Any]:
    """`$user`: a person's id, department, departments and roles; for others the id alone."""
    actor = context.actor
    if isinstance(actor, User):
        return {
            "id": actor.id,
            "department": actor.department,
            "departments": actor.departments,
            "roles": tuple(sorted(actor.roles)),
        }
    return {"id": actor.id, "department": None, "departments": (), "roles": ()}


def holds(rule: Rows | None, subject: Subject, context: Context) -> bool:
    """Whether a rule lets this record through; True and None let everything through."""
    if rule is None or isinstance(rule, bool):
        return rule is not False
    return value_inside(rule, subject, context) is True


def value_inside(expression: Expression, subject: Subject, context: Context) -> Any:
    """The evaluator's internal value of an expression."""
    record, before = _operands(expression, subject)
    return expression.run(record, surroundings(context, before))


def value_of(expression: Expression, subject: Subject, context: Context) -> Any:
    """The value of an expression for this record, in callers' types."""
    record, before = _operands(expression, subject)
    values = surroundings(context, before).context
    return evaluate(
        expression,
        record,
        now=context.now,
        zone=context.zone,
        context=values,
        calendar=context.calendar,
    )


def explain(expression: Expression, subject: Subject, context: Context) -> dict[str, Json]:
    """The condition as a tree with the value met at every node: {"op", "value", "args"} as JSON."""
    record, before = _operands(expression, subject)
    return _explained(trace(expression, record, surroundings(context, before)), EXPLAINED_DEPTH)


def _explained(step: TraceNode, depth: int) -> dict[str, Json]:
    shown: dict[str, Json] = {"op": step.operator, "value": step.result}
    if step.path:
        shown["path"] = step.path
    if step.below and depth > 0:
        shown["args"] = [_explained(below, depth - 1) for below in step.below]
    return shown


# ---------------------------------------------------------------- values as operands
def _operands(expression: Expression, subject: Subject) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    """The record (and the one before) with just what the expression reads, links followed where it does."""
    own: dict[str, Any] = {}
    earlier: dict[str, Any] | None = None
    paths = expression.dependencies
    for path in paths:
        if path[0] == "$before":
            if earlier is None:
                earlier = {}
            if subject.before is not None:
                _place(earlier, path[1:], subject.entity, subject.before, subject)
        elif not path[0].startswith("$"):
            _place(own, path, subject.entity, subject.values, subject)
    return own, earlier


def _place(
    into: dict[str, Any], path: Sequence[str], entity: Entity, values: Mapping[str, Any], subject: Subject
) -> None:
    name = path[0]
    found = entity.fields.get(name)
    if found is None:
        if name == COLLABORATORS:
            into[name] = tuple(subject.collaborators(entity.ref, str(values.get("id", subject.id))))
        return
    if found.is_lines:
        if name not in into:
            into[name] = _line_operands(found.to, subject.lines.get(name, ()), subject)
        return
    value = values.get(name)
    if len(path) == 1 or not found.is_link:
        if not isinstance(into.get(name), dict):
            into[name] = operand(found, value)
        return
    if value is None:
        into.setdefault(name, None)
        return
    inner = into.get(name)
    if not isinstance(inner, dict):
        inner = into[name] = {"id": value}
    target = subject.entities.get(found.to or "")
    if target is None or path[1] == "id":
        return
    linked = subject.lookup(target.ref, value)
    if linked is None:  # an unreadable or vanished record reads as missing
        into[name] = None
    else:
        _place(inner, path[1:], target, linked, subject)


def _line_operands(
    child: str | None, rows: Sequence[Mapping[str, Any]], subject: Subject
) -> tuple[Mapping[str, Any], ...]:
    entity = subject.entities.get(child or "")
    if entity is None:
        return ()
    return tuple(
        {key: operand(entity.fields[key], value) for key, value in row.items() if key in entity.fields}
        for row in rows
    )


def operand(target: Any, value: Any) -> Any:
    """A typed value as expressions take it; money keeps its currency beside the amount."""
    if isinstance(value, Money):
        return {"amount": value.amount, "currency": value.currency}
    return target.codec.operand(value)
