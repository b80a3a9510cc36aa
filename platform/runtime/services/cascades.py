"""Option cascades: a choice takes only what another choice of the same record leaves on offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.problem import Problem, problem
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work


def dependent(policy: EntityPolicy) -> Mapping[str, Field]:
    """The choices whose options depend on a choice that may be read: one that is hidden gives nothing away."""
    fields = policy.entity.fields
    return {n: each for n, each in fields.items() if each.depends_on and each.depends_on in policy.readable}


def check(
    work: Work,
    fields: Mapping[str, Field],
    values: Mapping[str, Any],
    before: Mapping[str, Any],
    pointer: str = "",
) -> list[Problem]:
    """`record.option_not_offered` for each choice that holds what the record, as it would be, does not offer.

    Only where the choice or what it depends on changes: what was saved before stays as it is.
    """
    problems = []
    for name, field in fields.items():
        parent = field.depends_on or ""
        if not {name, parent} & values.keys():
            continue
        above = _held(values.get(parent, before.get(parent)))
        offered = {each.id for each in field.options if each.is_offered(above)}
        for option in _held(values.get(name, before.get(name))):
            if option not in offered:
                labels, locale = work.model.labels, work.context.locale
                over = work.model.catalogue.entities[field.entity].fields[parent]
                problems.append(
                    problem(
                        "record.option_not_offered",
                        f"{pointer}/{name}",
                        option=labels.option(locale, field, option),
                        field=labels.field(locale, over),
                        value="、".join(labels.option(locale, over, each) for each in above) or "—",
                    )
                )
                break
    return problems


def _held(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
