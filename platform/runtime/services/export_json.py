"""Exporting records as JSON: one array, each record by the ids of its fields, values exactly as the API gives them."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from dacheng.runtime.services.export_records import Export, Heard, extract, silent
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work


def export_json(site: Site, work: Work, wanted: Export, heard: Heard = silent) -> Iterator[bytes]:
    """The bytes of the array, read page by page; a link is its record's title, as in the other forms of export."""
    found = extract(site, work, wanted, heard)
    codecs = [each.field.codec for each in found.columns]
    names = [each.name for each in found.columns]

    def content() -> Iterator[bytes]:
        before = b"[\n"
        for record, stored in found.rows:
            values = {
                name: codec.json_stored(each) for name, codec, each in zip(names, codecs, stored, strict=True)
            }
            yield before + orjson.dumps({"id": record, **values})
            before = b",\n"
        yield b"[]\n" if before == b"[\n" else b"\n]\n"

    return content()
