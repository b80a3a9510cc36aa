"""One search over everything the asker may read, entity by entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dacheng.runtime.services import gate, read_records
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader

PER_ENTITY = 5
SHORTEST = 1


@dataclass(frozen=True, slots=True)
class Hit:
    """One record found: entity reference, id, title."""

    entity: str
    id: str
    title: str


def find(
    reader: Reader, work: Work, text: str, entities: Sequence[str] = (), limit: int = PER_ENTITY
) -> list[Hit]:
    """Records whose readable search fields hold every word, at most `limit` an entity; nothing for empty text."""
    wanted = text.strip()[: gate.MAX_SEARCH]
    if len(wanted) < SHORTEST:
        return []
    hits: list[Hit] = []
    for ref, policy in work.policy.entities.items():
        if (
            (entities and ref not in entities)
            or policy.entity.parent is not None
            or not gate.search_fields(policy)
        ):
            continue
        found = read_records.pick_list(reader, work, ref, wanted, limit)
        hits.extend(Hit(ref, record_id, title) for record_id, title in found)
    return hits
