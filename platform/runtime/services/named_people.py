"""Where a person is named besides as owner: the links to people, and lists of them, that somebody may see and change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json
from dacheng.runtime.services import links
from dacheng.runtime.services.directory import USER
from dacheng.runtime.services.policy import EntityPolicy


def fields_of(policy: EntityPolicy) -> dict[str, Field]:
    """The fields of people's making that lead to people; who made and changed a record is history and no such field."""
    return {
        name: each
        for name, each in policy.readable.items()
        if is_one(each) and not each.system and name in policy.writable
    }


def is_one(field: Field) -> bool:
    """Whether a field leads to people."""
    return field.leads_to_records and field.to == USER and not field.virtual


def naming(policy: EntityPolicy, person: str) -> list[Json]:
    """The conditions of which one holds where somebody is named."""
    return [links.held_by(each, person) for each in fields_of(policy).values()]


def replaced(policy: EntityPolicy, held: Mapping[str, Any], person: str, heir: str) -> dict[str, Json]:
    """The values (JSON) in which a record names the heir instead, once and in the same place."""
    found: dict[str, Json] = {}
    for name, each in fields_of(policy).items():
        ids = held.get(name) if each.is_links else [held.get(name)]
        if ids and person in ids:
            now = list(dict.fromkeys(heir if one == person else one for one in ids))
            found[name] = now if each.is_links else heir
    return found
