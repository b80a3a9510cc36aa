"""Files that come with a form itself, as a browser without scripts sends them: kept first, then named by id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request

from dacheng.metadata.field_kinds.text_list import items_of, written
from dacheng.metadata.problem import Problem, Refused
from dacheng.runtime.web.fields.files import FilesView
from dacheng.runtime.web.uploads import MOST_FIELDS, described, multipart, take_in
from dacheng.runtime.web.view.form import PreparedForm

MOST_FILES: Final = 40
_KEPT: Final = ("id", "name", "type", "size")


async def posted_files(request: Request, form: PreparedForm) -> tuple[dict[str, str], list[Problem]]:
    """The texts of a multipart form, the files it carried kept and named in them, and what could not be kept."""
    problems: list[Problem] = []
    async with multipart(request, most_files=MOST_FILES, most_fields=MOST_FIELDS) as (pairs, sent):
        texts = dict(pairs)
        for name, file in sent:
            place = form.places.get(name.removesuffix(".upload"))
            if (
                place is None
                or not place.writable
                or not isinstance(place.view, FilesView)
                or not file.filename
            ):
                continue
            try:
                row: Mapping[str, Any] = described(await take_in(request, file, place.view.source))
            except Refused as refused:
                problems += [each.at(f"/{place.field.id}") for each in refused.problems]
                continue
            added = f"{place.field.id}.added"
            texts[added] = written([*items_of(texts.get(added)), {key: row[key] for key in _KEPT}]) or ""
    return _joined(form, texts), problems


def _joined(form: PreparedForm, texts: dict[str, str]) -> dict[str, str]:
    """The same texts, each field of files in the one input that scripts would have filled."""
    for name, place in form.places.items():
        if isinstance(place.view, FilesView) and name in texts:
            value = place.view.read(place.field, form.setting, name, texts)
            texts |= place.view.texts(place.field, form.setting, name, value)
    return {
        name: text for name, text in texts.items() if not name.endswith(".added") and ".drop." not in name
    }
