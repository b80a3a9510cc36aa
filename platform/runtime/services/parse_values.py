"""What came from outside becomes typed values, or problems with pointers; nothing unknown gets through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Problem, Refused, problem
from dacheng.runtime.services.policy import EntityPolicy, Policy

MAX_LINES = 500


@dataclass(frozen=True, slots=True)
class LineValues:
    """One line as sent: the id of an existing line or None, its typed values, where it stood in the request."""

    id: str | None
    values: Mapping[str, Any]
    pointer: str


@dataclass(slots=True)
class Parsed:
    """Typed values by field, lines by field, and everything that was wrong."""

    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, tuple[LineValues, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def parse(
    policies: Policy,
    policy: EntityPolicy,
    raw: Json,
    *,
    pointer: str = "",
    writable: frozenset[str] | None = None,
    typed: bool = False,
) -> Parsed:
    """Typed values of a raw JSON object. Unknown, hidden, derived and system fields are refused alike.

    `typed` values are taken as they are; which fields they may be for is looked at all the same.
    """
    parsed = Parsed()
    if not isinstance(raw, Mapping):
        parsed.problems.append(problem("record.not_an_object", pointer))
        return parsed
    parsers = _parsers(policies, policy)
    values = parsed.values
    if typed:
        allowed = policy.writable if writable is None else writable
        for name, value in raw.items():
            if name in allowed and (name in parsers or not policy.entity.fields[name].is_lines):
                values[name] = value
            else:
                parsed.problems.append(
                    problem("record.unknown_field", f"{pointer}/{escape(name)}", name=name)
                )
        return parsed
    for name, value in raw.items():
        read = parsers.get(name)
        if read is None or (writable is not None and name not in writable):
            _parse_other(policies, policy, name, value, pointer, parsed, writable or policy.writable)
            continue
        try:
            values[name] = read(value)
        except Refused as refused:
            parsed.problems.extend(each.at(f"{pointer}/{name}") for each in refused.problems)
    return parsed


def _parsers(policies: Policy, policy: EntityPolicy) -> Mapping[str, Callable[[Json], Any]]:
    """The reading function of every plain writable field, kept with the policy."""
    key = ("parsers", policy.entity.ref)
    found = cast("Mapping[str, Callable[[Json], Any]] | None", policies.prepared.get(key))
    if found is None:
        fields = policy.entity.fields
        found = {name: fields[name].codec.parse for name in policy.writable if not fields[name].is_lines}
        policies.prepared[key] = found
    return found


def _parse_other(
    policies: Policy,
    policy: EntityPolicy,
    name: str,
    value: Json,
    pointer: str,
    parsed: Parsed,
    writable: frozenset[str],
) -> None:
    """Lines, system fields of imported history, and names that are not known here."""
    target = policy.entity.fields.get(name) if name in writable else None
    if target is None:
        parsed.problems.append(problem("record.unknown_field", f"{pointer}/{escape(name)}", name=name))
    elif target.is_lines:
        _parse_lines(policies, target, value, f"{pointer}/{name}", parsed)
    else:
        try:
            parsed.values[name] = target.codec.parse(value)
        except Refused as refused:
            parsed.problems.extend(each.at(f"{pointer}/{name}") for each in refused.problems)


def escape(name: object) -> str:
    """A name as one step of a JSON pointer."""
    return str(name).replace("~", "~0").replace("/", "~1")


def _parse_lines(policies: Policy, target: Field, value: Json, pointer: str, parsed: Parsed) -> None:
    policy = policies.entity(target.to or "")
    if value is None:
        value = ()
    if policy is None or not isinstance(value, Sequence) or isinstance(value, str | bytes):
        parsed.problems.append(problem("record.unknown_field", pointer, name=target.id))
    elif len(value) > MAX_LINES:
        parsed.problems.append(problem("record.too_many_lines", pointer, limit=MAX_LINES))
    else:
        lines = [
            _line(policies, policy, line, f"{pointer}/{index}", parsed) for index, line in enumerate(value)
        ]
        parsed.lines[target.id] = tuple(line for line in lines if line is not None)


def starting_rows(target: Field) -> Json:
    """The rows that a new record has in a lines field for which none were sent; None for none."""
    return [dict(row) for row in target.spec.get("x-rows", ())] or None


def start_lines(policies: Policy, policy: EntityPolicy, parsed: Parsed) -> None:
    """Give the lines fields for which nothing was sent the rows they start with."""
    for name in policy.writable:
        target = policy.entity.fields[name]
        rows = starting_rows(target) if target.is_lines and name not in parsed.lines else None
        if rows is not None:
            _parse_lines(policies, target, rows, f"/{name}", parsed)


def _line(
    policies: Policy, policy: EntityPolicy, raw: Json, pointer: str, parsed: Parsed
) -> LineValues | None:
    """One line; `id` names an existing one, every other key is a field of the line's entity."""
    if not isinstance(raw, Mapping):
        parsed.problems.append(problem("record.not_an_object", pointer))
        return None
    line_id = raw.get("id")
    if line_id is not None and not isinstance(line_id, str):
        parsed.problems.append(problem("record.line_missing", f"{pointer}/id"))
        return None
    inner = parse(policies, policy, {k: v for k, v in raw.items() if k != "id"}, pointer=pointer)
    parsed.problems.extend(inner.problems)
    return LineValues(line_id or None, inner.values, pointer)
