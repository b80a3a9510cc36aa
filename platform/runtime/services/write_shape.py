"""What saving a record of one entity needs to know, prepared once per policy: nothing is looked up twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dacheng.metadata.definition import Entity, Field, Form, FormField, Rule, Workflow
from dacheng.metadata.derived import Rollup
from dacheng.metadata.expression import Expression
from dacheng.runtime.services import cascades, checkins, form_rules, link_candidates
from dacheng.runtime.services.form_defaults import defaults_of
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.standing_fields import STANDING
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import rollups


@dataclass(frozen=True, slots=True)
class WriteShape:
    """One entity as one policy writes it; `required` are required fields the actor can fill in.

    `plain`: no default, condition, workflow, rule, line, roll-up or standing looks at a new record as a whole.
    `bare`: the same, rules aside, for writes that run none.
    """

    policy: EntityPolicy
    defaults: tuple[tuple[str, Expression], ...]
    required: tuple[str, ...]
    links: Mapping[str, Field]
    lines: Mapping[str, Field]
    files: Mapping[str, Field]
    cascades: Mapping[str, Field]
    checkins: Mapping[str, Field]
    narrowed: Mapping[str, Field]
    conditional: tuple[FormField, ...]
    workflow: Workflow | None
    rules: tuple[Rule, ...]
    rollups: tuple[Rollup, ...]
    plain: bool
    bare: bool
    blank: Mapping[str, Any]  # every field of a record without values; roll-ups over nothing


def shape_of(work: Work, ref: str, form: str | None = None) -> WriteShape:
    """The prepared shape, kept with the policy; `form` names a form of the entity, else its default applies."""
    key = ("write", ref, form)
    found = work.policy.prepared.get(key)
    if not isinstance(found, WriteShape):
        found = work.policy.prepared[key] = _prepare(work, ref, form)
    return found


def form_of(work: Work, ref: str, form: str | None) -> Form | None:
    """The named form when it belongs to the entity, else the entity's default form."""
    catalogue = work.model.catalogue
    if form is not None:
        named = catalogue.apps[ref.split(".", 1)[0]].forms.get(form)
        if named is not None and _owner(named, ref) == ref:
            return named
    return catalogue.forms.get(ref)


def _owner(form: Form, ref: str) -> str:
    return form.entity if "." in form.entity else f"{ref.split('.', 1)[0]}.{form.entity}"


def _prepare(work: Work, ref: str, form: str | None) -> WriteShape:
    policy = work.entity(ref)
    catalogue = work.model.catalogue
    fields = policy.entity.fields
    chosen = form_of(work, ref, form)
    defaults = defaults_of(policy.entity, chosen)
    conditional = form_rules.conditional(chosen)
    whole = (
        defaults,
        conditional,
        catalogue.workflows.get(ref),
        policy.entity.rollups,
        cascades.dependent(policy),
        checkins.fields_of(policy.entity),
        link_candidates.narrowed(policy),
        any(each.refuses or each.protection_days for each in catalogue.matches.get(ref, ())),
    )
    bare = (
        not any(whole)
        and policy.rows["create"] is True
        and ref not in STANDING
        and all(not f.is_lines for f in fields.values())
    )
    return WriteShape(
        policy=policy,
        defaults=tuple(defaults.items()),
        required=tuple(n for n, each in fields.items() if each.required and n in policy.writable),
        links=MappingProxyType({n: each for n, each in fields.items() if each.leads_to_records}),
        lines=MappingProxyType({n: each for n, each in fields.items() if each.is_lines}),
        files=MappingProxyType({n: each for n, each in fields.items() if each.is_files}),
        cascades=MappingProxyType(cascades.dependent(policy)),
        checkins=MappingProxyType(checkins.fields_of(policy.entity)),
        narrowed=MappingProxyType(link_candidates.narrowed(policy)),
        conditional=conditional,
        workflow=catalogue.workflows.get(ref),
        rules=catalogue.rules.get(ref, ()),
        rollups=policy.entity.rollups,
        plain=bare and not catalogue.rules.get(ref),
        bare=bare,
        blank=MappingProxyType({**dict.fromkeys(fields), **_nothing(policy.entity)}),
    )


def _nothing(entity: Entity) -> dict[str, Any]:
    """Roll-ups over no record at all, as the storage holds them from the start."""
    return {name: entity.fields[name].codec.load(stored) for name, stored in rollups.nothing(entity).items()}
