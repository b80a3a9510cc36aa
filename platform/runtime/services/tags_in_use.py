"""The tags that records of a field carry, as far as the asker sees those records; the most frequent first."""

from __future__ import annotations

from collections import Counter

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import read_records
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader

LOOKED_AT = 500
OFFERED = 20


def suggest(reader: Reader, work: Work, ref: str, name: str, begun: str = "") -> list[str]:
    """Tags in use among the latest records with any, those that contain what was begun."""
    field = work.entity(ref).readable.get(name)
    if field is None or field.view != "tags":
        raise refuse("query.unknown_field", name=name)
    asked = Query(ref, (name,), {"is_set": {"var": name}}, ("-created_at",), limit=LOOKED_AT)
    found: Counter[str] = Counter()
    for row in read_records.list_page(reader, work, asked).rows:
        found.update(field.codec.load(row[:1]) or ())
    plain = begun.casefold().strip()
    return [tag for tag, _ in found.most_common() if plain in tag.casefold()][:OFFERED]
