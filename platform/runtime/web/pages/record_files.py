"""Files put at a record, taken off it and put back."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.problem import Problem, Refused
from dacheng.runtime.services import attachments
from dacheng.runtime.web.form_body import read_form
from dacheng.runtime.web.pages.record_timeline import GONE, RECORD, record_of
from dacheng.runtime.web.render import flash
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of
from dacheng.runtime.web.uploads import attach, multipart
from dacheng.runtime.web.words import sentences

MOST_FILES: Final = 20
SOURCES: Final = {"file": "upload", "photo": "camera"}  # by the name of the input
REFUSED: Final = frozenset({"access.not_permitted"})


async def add_files(request: Request) -> Response:
    """Attach what was chosen, dropped or shot; what could not be kept is told by name, the rest stays."""
    ref, ident = record_of(request)
    kept: list[str] = []
    wrong: list[tuple[str, Problem]] = []
    async with multipart(request, most_files=MOST_FILES, most_fields=0) as (_, sent):
        for name, file in sent:
            if not file.filename or name not in SOURCES:
                continue
            try:
                made = await attach(request, ref, ident, file, SOURCES[name])
            except Refused as refused:
                if refused.problems[0].code in GONE | REFUSED:
                    raise
                wrong.append((file.filename, refused.problems[0]))
            else:
                kept.append(made.file.name)
    response = _done(request)
    locale = work_of(request).context.locale
    if wrong:
        name, problem = wrong[0]
        reason = sentences(locale, problem.message_in(locale), problem.hint_in(locale))
        flash(response, "attachments.refused", tone="risk", name=name[:60], reason=reason)
    elif len(kept) == 1:
        flash(response, "attachments.added", name=kept[0])
    elif kept:
        flash(response, "attachments.added_several", count=str(len(kept)))
    return response


def _done(request: Request) -> Response:
    """Back to the record; to a script that asks for no page just that it is done: it loads the page itself."""
    if "application/json" in request.headers.get("accept", ""):
        return Response(status_code=204)
    return RedirectResponse(f"{_address(request)}#attachments", 303)


async def remove_file(request: Request) -> Response:
    """Take a file off; the next page offers to put it back."""
    await read_form(request)
    work, (ref, ident) = work_of(request), record_of(request)
    attachment = str(request.path_params["attachment"])
    file = await host_of(request).db.write(lambda tx: attachments.remove(tx, work, ref, ident, attachment))
    address = _address(request)
    response = RedirectResponse(address, 303)
    flash(response, "attachments.removed", undo=f"{address}/attachments/{attachment}/restore", name=file.name)
    return response


async def restore_file(request: Request) -> Response:
    """Put a file back that was taken off."""
    await read_form(request)
    work, (ref, ident) = work_of(request), record_of(request)
    attachment = str(request.path_params["attachment"])
    made = await host_of(request).db.write(lambda tx: attachments.restore(tx, work, ref, ident, attachment))
    response = RedirectResponse(_address(request), 303)
    flash(response, "attachments.added", name=made.file.name)
    return response


def _address(request: Request) -> str:
    ref, ident = record_of(request)
    return f"/apps/{ref.replace('.', '/')}/{ident}"


PER_MINUTE: Final = 60
ROUTES = (
    Route(RECORD + "/attachments", add_files, SIGNED_IN, ("POST",), upload=True, per_minute=PER_MINUTE),
    Route(RECORD + "/attachments/{attachment}/delete", remove_file, SIGNED_IN, ("POST",)),
    Route(RECORD + "/attachments/{attachment}/restore", restore_file, SIGNED_IN, ("POST",)),
)
