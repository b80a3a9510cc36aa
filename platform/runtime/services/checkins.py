"""Check-ins as they are saved: measured just now by the device, stamped by the server, with the way to their target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from dacheng.metadata.definition import Entity, Field
from dacheng.metadata.field_kinds.checkin import CheckIn, CheckInCodec, distance_to
from dacheng.metadata.field_kinds.geolocation import Place
from dacheng.metadata.problem import Problem, problem
from dacheng.runtime.services import gate
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.work import Work

AGAIN = frozenset({"undo", "merge"})  # causes that bring back a value which was saved before
AHEAD = timedelta(seconds=60)  # how far a device's idea of the server's time may be ahead


def fields_of(entity: Entity) -> Mapping[str, Field]:
    """The check-ins of an entity."""
    return {n: each for n, each in entity.fields.items() if isinstance(each.codec, CheckInCodec)}


def stamp(
    at_hand: AtHand,
    work: Work,
    fields: Mapping[str, Field],
    values: dict[str, Any],
    before: Mapping[str, Any],
    *,
    imported: bool,
) -> list[Problem]:
    """Check each new check-in among the values, and put it there as it is kept; the problems of those refused.

    A position measured longer ago than the field allows is stale; one without a moment was typed, and is taken only
    where the field says so; a file of records has none to bring, but for history.
    """
    problems = []
    for name, field in fields.items():
        found, codec = values.get(name), field.codec
        if not isinstance(found, CheckIn) or not isinstance(codec, CheckInCodec) or found == before.get(name):
            continue
        code = _refusal(work, codec, found, imported=imported)
        if code:
            problems.append(problem(code, f"/{name}", minutes=max(1, codec.fresh // 60)))
            continue
        target = _target(at_hand, work, field, {**before, **values})
        values[name] = replace(
            found, at=found.at or work.context.now, distance=distance_to(found.place, target)
        )
    return problems


def _refusal(work: Work, codec: CheckInCodec, found: CheckIn, *, imported: bool) -> str:
    """The code of what speaks against a check-in; empty for nothing."""
    if imported:
        return "checkin.not_imported"
    if found.at is None:
        return "" if codec.by_hand else "checkin.by_hand"
    now = work.context.now
    fresh = now - timedelta(seconds=codec.fresh) <= found.at <= now + AHEAD
    return "" if fresh else "checkin.stale"


def _target(at_hand: AtHand, work: Work, field: Field, values: Mapping[str, Any]) -> Place | None:
    """The place a check-in is measured against, as far as the actor may see the way there."""
    path = field.spec.get("x-target")
    steps = gate.resolve(work, field.entity, path) if path else None
    if steps is None:
        return None
    here: Mapping[str, Any] = values
    for step in steps[:-1]:
        linked, ref = here.get(step.id), step.to or ""
        if linked is None or not at_hand.sees(work, ref, linked):
            return None
        here = at_hand.lookup(ref, linked) or {}
    found = here.get(steps[-1].id)
    return found if isinstance(found, Place) else None
