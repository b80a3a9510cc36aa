"""Entities: each property becomes a `Field` with its codec bound, each entity its schema, scope and roll-ups."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dacheng.metadata import candidates
from dacheng.metadata.compile.context import Compiling
from dacheng.metadata.compile.derived import formulas_of, lookup, with_formulas
from dacheng.metadata.definition import Entity, Field
from dacheng.metadata.derived import Rollup
from dacheng.metadata.expression import TEXT, Expression
from dacheng.metadata.field_kinds.lines import LinesCodec
from dacheng.metadata.kinds import Codec, FieldKind, Shape
from dacheng.metadata.option import Option
from dacheng.metadata.problem import Refused, problem
from dacheng.metadata.record_schema import derive_schema
from dacheng.metadata.system_fields import is_owned, system_specs

Spec = Mapping[str, Any]
_LAST = 1_000_000  # system fields come after all others


def compile_entities(work: Compiling) -> None:
    """Fill `work.entities` with every entity of the package; problems are noted, not raised."""
    written = {i: item for (kind, i), item in work.package.items.items() if kind == "entity"}
    children_first = sorted(written, key=lambda name: ("x-parent" not in written[name], name))
    for name in children_first:
        work.tables[work.full(name)] = _fields(work, name, written[name])
    for name in children_first:
        _with_formulas(work, work.full(name))
    for name in children_first:
        _with_lookups(work, work.full(name), written[name])
    for name in children_first:
        _attach_children(work, work.tables[work.full(name)])
    for name in sorted(written):
        ref = work.full(name)
        work.tables[ref] = _with_defaults(work, name, work.tables[ref])
        work.entities[name] = _entity(work, name, written[name], work.tables[ref])


def _fields(work: Compiling, name: str, item: Spec) -> Mapping[str, Field]:
    own = sorted(item["properties"].items(), key=lambda pair: (pair[1].get("x-order", 0), pair[0]))
    fields: dict[str, Field] = {}
    for field_id, spec in own:
        if spec["x-kind"] == "lookup":
            continue  # made when every entity has its fields
        made = _field(work, name, field_id, spec, item)
        if made is not None:
            fields[field_id] = made
    for index, (field_id, spec) in enumerate(system_specs(item).items()):
        made = _field(work, name, field_id, {**spec, "x-order": _LAST + index}, item, system=True)
        if made is not None:
            fields[field_id] = made
    return MappingProxyType(fields)


def _field(
    work: Compiling, name: str, field_id: str, spec: Spec, item: Spec, system: bool = False
) -> Field | None:
    kind = work.kinds.fields[spec["x-kind"]]
    target = kind.leads_to(spec)
    to = None if target is None else work.full(target)
    bound = {**spec, "x-to": to} if kind.shape in (Shape.LINK, Shape.LINKS) else dict(spec)
    shown = kind
    if kind.id == "rollup" and spec["x-aggregate"] != "count":
        shown, bound["x-source"] = _source(work, spec, item)
    try:
        codec = kind.bind(field_id, MappingProxyType(bound))
    except Refused as refused:
        where, file = f"/properties/{field_id}", work.file("entity", name)
        work.problems.extend(one.at(where, file) for one in refused.problems)
        return None
    options = sorted(spec.get("x-options", {}).items(), key=lambda pair: (pair[1].get("order", 0), pair[0]))
    return Field(
        id=field_id,
        entity=work.full(name),
        kind=kind.id,
        view=shown.view or shown.id,
        shape=kind.shape,
        spec=MappingProxyType(dict(spec)),
        codec=codec,
        order=int(spec.get("x-order", 0)),
        required=bool(spec.get("x-required", False)),
        unique=bool(spec.get("x-unique", False)) or kind.assigned,
        searchable=bool(spec.get("x-search", False)) and not kind.derived,
        indexed=bool(spec.get("x-index", False)),
        derived=kind.derived,
        system=system,
        to=to,
        on_delete="cascade" if kind.shape is Shape.LINES else str(spec.get("x-on-delete", "clear")),
        options=tuple(
            Option(
                key,
                int(body.get("order", 0)),
                str(body.get("tone", "neutral")),
                bool(body.get("archived", False)),
                frozenset(body.get("under", ())),
            )
            for key, body in options
        ),
        hidden=bool(spec.get("x-hidden", False)),
        sortable=kind.sortable,
        assigned=kind.assigned,
    )


def _with_formulas(work: Compiling, ref: str) -> None:
    fields = work.tables[ref]
    work.formulas[ref] = formulas_of(work, fields)
    work.tables[ref] = with_formulas(fields, work.formulas[ref])


def _with_lookups(work: Compiling, ref: str, item: Spec) -> None:
    fields = dict(work.tables[ref])
    for name, spec in item["properties"].items():
        made = lookup(work, ref, name, spec) if spec["x-kind"] == "lookup" else None
        if made is not None:
            fields[name] = made
    ordered = sorted(fields.values(), key=lambda each: (each.order, each.id if not each.system else ""))
    work.tables[ref] = MappingProxyType({each.id: each for each in ordered})


def _given(field: Field) -> bool:
    """Whether the product fills the field, so that nobody writes it."""
    return field.derived or field.assigned


def _attach_children(work: Compiling, fields: Mapping[str, Field]) -> None:
    for field in fields.values():
        if isinstance(field.codec, LinesCodec) and field.to is not None:
            child = work.fields(field.to)
            writable = {key: one for key, one in child.items() if not one.system and not _given(one)}
            computed = {key: one for key, one in child.items() if one.derived}
            field.codec.attach(MappingProxyType(writable), derive_schema(child), computed)
            _check_rows(work, field)


def _check_rows(work: Compiling, field: Field) -> None:
    """The rows a new record starts with are rows that could be sent."""
    try:
        field.codec.parse(field.spec.get("x-rows"))
    except Refused as refused:
        where, file = f"/properties/{field.id}/x-rows", work.file("entity", field.entity.split(".", 1)[1])
        work.problems.extend(
            problem("definition.bad_value", where + one.pointer, file, reason=one.message)
            for one in refused.problems
        )


def _with_defaults(work: Compiling, name: str, fields: Mapping[str, Field]) -> Mapping[str, Field]:
    made: dict[str, Field] = {}
    for field in fields.values():
        raw = field.spec.get("x-default")
        made[field.id] = field if raw is None else _with(field, _default(work, name, field, raw))
        if candidates.KEY in field.spec:
            _check_candidates(work, name, field, fields)
    return MappingProxyType(made)


def _default(work: Compiling, name: str, field: Field, raw: Any) -> Expression | None:
    where, file = f"/properties/{field.id}/x-default", work.file("entity", name)
    if field.is_lines or _given(field):
        work.problems.append(problem("definition.no_default", where, file))
        return None
    if field.options and isinstance(raw, str) and raw not in {option.id for option in field.options}:
        work.problems.append(problem("definition.no_option", where, file, option=raw, field=field.id))
        return None
    return work.expression(raw, field.entity, file, where, wanted=field.codec.type)


def _check_candidates(work: Compiling, name: str, field: Field, fields: Mapping[str, Field]) -> None:
    """The condition on candidates is one on the entity the link leads to, for any value of the fields it names."""
    where, file = f"/properties/{field.id}/{candidates.KEY}", work.file("entity", name)
    raw = field.spec[candidates.KEY]
    for each in sorted(candidates.asked(raw)):
        if each not in fields or fields[each].codec.type != TEXT or fields[each].is_lines:
            work.problems.append(problem("definition.no_field", where, file, field=f"$record.{each}"))
            return
    work.expression(candidates.filled(raw, dict.fromkeys(fields, "x")), field.to or "", file, where)


def _with(field: Field, default: Expression | None) -> Field:
    values = {name: getattr(field, name) for name in field.__slots__}
    return Field(**{**values, "default": default})


def _entity(work: Compiling, name: str, item: Spec, fields: Mapping[str, Field]) -> Entity:
    first_text = next((f.id for f in fields.values() if f.kind == "text" and not f.system), "id")
    parent = item.get("x-parent")
    unique = [tuple(item["x-unique"][key]) for key in sorted(item.get("x-unique", {}))]
    return Entity(
        id=name,
        app=work.app,
        table=f"{work.app}_{name}",
        title=item.get("x-title", first_text),
        fields=fields,
        schema=derive_schema(fields),
        scope=work.scope(work.full(name)),
        parent=None if parent is None else work.full(parent),
        parent_field=parent,
        owned=is_owned(item),
        rollups=tuple(_rollups(work, fields)),
        formulas=work.formulas[work.full(name)],
        unique_together=tuple(unique),
        icon=item.get("x-icon", "file"),
    )


def _source(work: Compiling, spec: Spec, item: Spec) -> tuple[FieldKind, Codec]:
    """The kind and codec of what a roll-up reckons with, a field of its lines or of the records that link here."""
    lines = item["properties"][spec["x-of"]]["x-entity"] if "x-of" in spec else None
    child = work.package.items["entity", lines or spec["x-from"].split(".")[0]]
    source = MappingProxyType(dict({**child["properties"], **system_specs(child)}[spec["x-field"]]))
    kind = work.kinds.fields[source["x-kind"]]
    return kind.values_as(source), kind.bind(spec["x-field"], source)


def _rollups(work: Compiling, fields: Mapping[str, Field]) -> list[Rollup]:
    found = []
    for field in fields.values():
        if field.kind != "rollup":
            continue
        spec, condition = field.spec, None
        if "x-of" in spec:
            child, via = fields[spec["x-of"]].to or "", field.entity.split(".", 1)[1]
        else:
            name, via = spec["x-from"].split(".")
            child = work.full(name)
            condition = _rollup_filter(work, field, child)
        found.append(Rollup(field.id, child, via, spec["x-aggregate"], spec.get("x-field"), condition))
    return found


def _rollup_filter(work: Compiling, field: Field, child: str) -> Expression | None:
    """A filter over the counted record's own stored values: what else could move would move without a write to it."""
    raw = field.spec.get("x-filter")
    if raw is None:
        return None
    where, file = f"/properties/{field.id}/x-filter", work.file("entity", field.entity.split(".", 1)[1])
    condition = work.expression(raw, child, file, where)
    if condition is None:
        return None
    known = work.fields(child)
    own = all(
        path[0] in known
        and not known[path[0]].is_lines
        and not known[path[0]].derived
        and path[1:] in ((), ("id",), ("amount",), ("currency",))
        for path in condition.dependencies
    )
    if condition.uses_now or not own:
        work.problems.append(problem("definition.rollup_filter", where, file, field=field.id))
        return None
    return condition
