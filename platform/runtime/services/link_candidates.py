"""Links that lead only to what goes with the rest of the record: narrowed pick-lists, and the same held at saving."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata import candidates
from dacheng.metadata.definition import Field
from dacheng.metadata.expression import Expression
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Problem, problem
from dacheng.runtime.services import gate, links
from dacheng.runtime.services.conditions import holds
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.work import Work


def narrowed(policy: EntityPolicy) -> Mapping[str, Field]:
    """The readable links of an entity that narrow their candidates by fields one may read."""
    found = {
        n: each
        for n, each in policy.readable.items()
        if each.leads_to_records and candidates.KEY in each.spec
    }
    return {n: each for n, each in found.items() if asked_by(each) <= policy.readable.keys()}


def asked_by(link: Field) -> frozenset[str]:
    """The fields of its own record that a link narrows by."""
    return candidates.asked(link.spec.get(candidates.KEY))


def _asked_by(work: Work, link: Field) -> frozenset[str]:
    """The same, kept with the policy."""
    key = ("asked_by", link.ref)
    found: frozenset[str] | None = work.policy.prepared.get(key)
    if found is None:
        found = work.policy.prepared[key] = asked_by(link)
    return found


def condition(link: Field, values: Mapping[str, Json]) -> Json:
    """The condition on candidates for these values of the record; None where nothing is narrowed."""
    return candidates.filled(link.spec[candidates.KEY], values)


def check(
    at_hand: AtHand,
    work: Work,
    fields: Mapping[str, Field],
    values: Mapping[str, Any],
    before: Mapping[str, Any],
    pointer: str = "",
) -> list[Problem]:
    """`record.link_not_offered` for each link that leads to what does not go with the record as it would be.

    Only where the link or what it is narrowed by changes, and only about records the actor may see.
    """
    problems = []
    for name, link in fields.items():
        asked = _asked_by(work, link)
        held = values.get(name, before.get(name))
        if held is None or not (name in values or asked & values.keys()):
            continue
        now = {**before, **values}
        known = {each: work.model.catalogue.entities[link.entity].fields[each] for each in asked}
        wanted = condition(link, {each: field.codec.json(now.get(each)) for each, field in known.items()})
        ids = links.ids_of(link, links.seen(at_hand, work, link, held))
        meant = _meant(work, link, wanted) if ids else None
        if meant is not None and not all(_holds(at_hand, work, link, meant, each) for each in ids):
            problems.append(problem("record.link_not_offered", f"{pointer}/{name}"))
    return problems


def _meant(work: Work, link: Field, wanted: Json) -> Expression | None:
    """The condition as this actor may ask it; one that looks at what they may not see narrows nothing for them."""
    problems: list[Problem] = []
    found = (
        None
        if work.policy.entity(link.to or "") is None
        else gate.condition(work, link.to or "", wanted, problems)
    )
    return None if problems else found


def _holds(at_hand: AtHand, work: Work, link: Field, meant: Expression, record: str) -> bool:
    values = at_hand.lookup(link.to or "", record) or {}
    subject = at_hand.shown(work, at_hand.subject(work, link.to or "", record, values))
    return holds(meant, subject, work.context)


def filter_for(work: Work, target: str, asked: str, given: Mapping[str, str]) -> Json:
    """The condition on candidates that a form asks for: `asked` is `app.entity.field`, `given` the form's values.

    None where there is none: a link that is hidden from the asker answers like a misspelt name.
    """
    ref, _, name = asked.rpartition(".")
    policy = work.policy.entity(ref)
    link = narrowed(policy).get(name) if policy is not None else None
    if link is None or link.to != target:
        return None
    wanted = condition(link, given)
    return wanted if _meant(work, link, wanted) is not None else None
