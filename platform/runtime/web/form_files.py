"""Files that come with a form itself, as a browser without scripts sends them: kept first, then named by id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import UploadFile
from starlette.requests import Request

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.text_list import items_of, written
from dacheng.metadata.problem import Problem, Refused
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields.files import FilesView
from dacheng.runtime.web.uploads import MOST_FIELDS, described, multipart, take_in
from dacheng.runtime.web.view.form import PreparedForm

MOST_FILES: Final = 40
_KEPT: Final = ("id", "name", "type", "size")


Sent = Sequence[tuple[str, UploadFile]]


async def posted_files(request: Request, form: PreparedForm) -> tuple[dict[str, str], list[Problem]]:
    """The texts of a multipart form, the files it carried kept and named in them, and what could not be kept."""
    async with multipart(request, most_files=MOST_FILES, most_fields=MOST_FIELDS) as (pairs, sent):
        return await kept_files(request, form, dict(pairs), sent)


async def kept_files(
    request: Request, form: PreparedForm, texts: dict[str, str], sent: Sent, work: Work | None = None
) -> tuple[dict[str, str], list[Problem]]:
    """The same for a form that has been read; `work` is the frame of whoever shall hold the files."""
    problems: list[Problem] = []
    for place, file in files_of(form, sent):
        try:
            row: Mapping[str, Any] = described(await take_in(request, file, place.view.source, work))
        except Refused as refused:
            problems += [each.at(f"/{place.field.id}") for each in refused.problems]
            continue
        added = f"{place.field.id}.added"
        texts[added] = written([*items_of(texts.get(added)), {key: row[key] for key in _KEPT}]) or ""
    return _joined(form, texts), problems


@dataclass(frozen=True, slots=True)
class FilesPlace:
    """A field of files on a form."""

    field: Field
    view: FilesView


def files_of(form: PreparedForm, sent: Sent) -> Iterator[tuple[FilesPlace, UploadFile]]:
    """The files that were chosen in one of the form's fields, each with its field."""
    for name, file in sent:
        place = form.places.get(name.removesuffix(".upload"))
        if place is not None and place.writable and isinstance(place.view, FilesView) and file.filename:
            yield FilesPlace(place.field, place.view), file


def _joined(form: PreparedForm, texts: dict[str, str]) -> dict[str, str]:
    """The same texts, each field of files in the one input that scripts would have filled."""
    for name, place in form.places.items():
        if isinstance(place.view, FilesView) and name in texts:
            value = place.view.read(place.field, form.setting, name, texts)
            texts |= place.view.texts(place.field, form.setting, name, value)
    return {
        name: text for name, text in texts.items() if not name.endswith(".added") and ".drop." not in name
    }
