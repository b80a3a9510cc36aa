"""Pasting rows from a spreadsheet: a text to look at first, through the same steps as a file."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.problem import Refused, refuse
from dacheng.runtime.services.import_mapping import fillable
from dacheng.runtime.services.import_paste import pasted
from dacheng.runtime.services.import_table import read_table
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.form_body import NOTHING_WRONG, Wrong, read_pairs, wrong_with
from dacheng.runtime.web.import_drafts import Draft
from dacheng.runtime.web.importing import drafts_of, importable
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.pages.import_wizard import entity_name
from dacheng.runtime.web.render import locale_of, render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, in_thread, user_of, work_of
from dacheng.runtime.web.view.chosen import choose, known
from dacheng.runtime.web.words import words


@dataclass(frozen=True, slots=True, kw_only=True)
class PastePage(Page):
    """A place to paste rows into; `order` are the columns that rows without headings are taken for."""

    action: str
    entity: str
    order: tuple[str, ...]
    text: str = ""
    wrong: Wrong = NOTHING_WRONG


async def show(request: Request) -> Response:
    """The place to paste into."""
    return await _page(request)


async def take(request: Request) -> Response:
    """Take the rows in and go on to the mapping; nothing is stored yet."""
    sent = dict(await read_pairs(request))
    work, ref, text = work_of(request), _ref(request), sent.get("text", "")
    try:
        if not text.strip():
            raise refuse("web.form_incomplete", "/text")
        fields = [name for name, _ in await _order(request, work, work.entity(ref))]
        content = pasted(work, ref, text, fields)
        await in_thread(read_table, content, delimiter="\t")
    except Refused as refused:
        return await _page(request, text, refused)
    draft: Draft = drafts_of(request).add(user_of(request).id, f"{entity_name(work, ref)}.tsv", ref, content)
    return RedirectResponse(f"/import/draft/{draft.id}", 303)


async def _page(request: Request, text: str = "", refused: Refused | None = None) -> Response:
    work, ref, locale = work_of(request), _ref(request), locale_of(request)
    name, problems = entity_name(work, ref), refused.problems if refused else ()
    page = PastePage(
        title=words(locale)("importing.paste_title", entity=name),
        current=ref,
        crumbs=(Link(name, f"/apps/{ref.replace('.', '/')}"),),
        back=f"/apps/{ref.replace('.', '/')}",
        action=f"/import/{ref.replace('.', '/')}/paste",
        entity=name,
        order=tuple(label for _, label in await _order(request, work, work.entity(ref))),
        text=text,
        wrong=wrong_with(problems, locale, ("text",)),
    )
    return render(request, "import_paste.html", page, status=status_of(problems) if refused else 200)


async def _order(request: Request, work: Work, policy: EntityPolicy) -> list[tuple[str, str]]:
    """(id, label) of the list's columns that may be filled, in the person's own order."""

    def read(reader: Reader) -> list[str]:
        view = choose(work, policy, known(reader, work, policy.entity.ref), "").view
        return [column.path[0] for column in view.columns]

    names = await host_of(request).db.read(read)
    fields = fillable(work, policy.entity.ref, historic=False)
    return [
        (name, work.model.labels.field(work.context.locale, fields[name]))
        for name in dict.fromkeys(names)
        if name in fields
    ]


def _ref(request: Request) -> str:
    ref = f"{request.path_params['app']}.{request.path_params['entity']}"
    if ref not in dict(importable(work_of(request))):
        raise refuse("web.not_found")
    return ref


ROUTES = (
    Route("/import/{app}/{entity}/paste", show, SIGNED_IN),
    Route("/import/{app}/{entity}/paste", take, SIGNED_IN, ("POST",), per_minute=60),
)
