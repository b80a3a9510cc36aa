"""Import, second step: which column fills which field and how, and what would happen before anything does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.definition import Field
from dacheng.metadata.problem import Refused
from dacheng.runtime.services import import_records
from dacheng.runtime.services.delimited import DELIMITERS, ENCODINGS
from dacheng.runtime.services.import_guess import guess_mapping
from dacheng.runtime.services.import_mapping import MISSING, fillable, title_of
from dacheng.runtime.services.import_table import Table
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.form_body import NOTHING_WRONG, Wrong, read_pairs, wrong_with
from dacheng.runtime.web.import_drafts import Draft
from dacheng.runtime.web.importing import carry_through, drafts_of, source_of
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.pages.import_preview import EMPTIED, Preflight, preflight
from dacheng.runtime.web.pages.import_wizard import entity_name
from dacheng.runtime.web.render import locale_of, render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, in_thread, user_of, work_of
from dacheng.runtime.web.words import words

SAMPLES = 5
ARROW = "=>"


@dataclass(frozen=True, slots=True)
class MappedField:
    """One field of the entity on the mapping form, with what was chosen for it."""

    id: str
    label: str
    kind: str
    required: bool
    column: str
    sample: str
    values: str
    format: str
    match: str
    missing: str
    match_choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingPage(Page):
    """The file as read, the mapping, and after a check what would happen."""

    draft: Draft
    entity: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    encodings: tuple[tuple[str, str], ...]
    sheets: tuple[tuple[str, str], ...]
    delimiter: str
    delimiters: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str], ...]
    fields: tuple[MappedField, ...]
    missing_choices: tuple[tuple[str, str], ...]
    keys: tuple[tuple[str, str], ...]
    key: str
    rules: bool
    historic: bool
    may_historic: bool
    preflight: Preflight | None = None
    wrong: Wrong = NOTHING_WRONG


async def show(request: Request) -> Response:
    """The mapping as suggested by the columns' names, or as left before."""
    draft = _draft(request)
    return await _page(request, draft)


async def decide(request: Request) -> Response:
    """Read the file another way, check the mapping, or begin the import."""
    pairs = await read_pairs(request)
    sent = {name: value.strip() for name, value in pairs}
    draft = replace(
        _draft(request),
        encoding=sent.get("encoding", ""),
        delimiter=_delimiter(sent.get("delimiter", "")),
        sheet=sent.get("sheet", ""),
    )
    if sent.get("action") == "read":
        draft = replace(draft, mapping={})
        drafts_of(request).keep(draft)
        return await _page(request, draft)
    draft = replace(draft, mapping=_mapping(sent))
    drafts_of(request).keep(draft)
    if sent.get("action") != "run":
        return await _page(request, draft, check=True)
    try:
        run = await _begin(request, draft)
    except Refused as refused:
        return await _page(request, draft, refused=refused)
    drafts_of(request).drop(draft)
    carry_through(request, run)
    return RedirectResponse(f"/import/{run}", 303)


async def forget(request: Request) -> Response:
    """Give the import up before it began."""
    await read_pairs(request)
    drafts_of(request).drop(_draft(request))
    return RedirectResponse("/import", 303)


async def _begin(request: Request, draft: Draft) -> str:
    source = source_of(request, draft)
    return await in_thread(
        import_records.begin, host_of(request), work_of(request), draft.entity, source, draft.mapping
    )


def _draft(request: Request) -> Draft:
    return drafts_of(request).get(request.path_params["id"], user_of(request).id)


async def _page(
    request: Request, draft: Draft, *, check: bool = False, refused: Refused | None = None
) -> Response:
    work, host = work_of(request), host_of(request)
    work.entity(draft.entity)
    found: Preflight | None = None
    try:
        table = await in_thread(source_of(request, draft).read, host)
    except Refused as unreadable:
        refused, draft = unreadable, replace(draft, encoding="", delimiter="", sheet="")
        table = await in_thread(source_of(request, draft).read, host)
    mapping = (
        draft.mapping
        or (await host.db.read(lambda reader: guess_mapping(reader, work, draft.entity, table))).json()
    )
    if check:
        try:
            found = await preflight(request, draft.entity, source_of(request, draft), mapping)
        except Refused as error:
            refused = error
    page = _filled(request, draft, table, mapping, found, refused)
    return render(
        request, "import_mapping.html", page, status=status_of(refused.problems) if refused else 200
    )


def _filled(
    request: Request,
    draft: Draft,
    table: Table,
    mapping: Mapping[str, Any],
    found: Preflight | None,
    refused: Refused | None,
) -> MappingPage:
    work, locale = work_of(request), locale_of(request)
    say = words(locale)
    rows = tuple(cells for _, cells in islice(table.rows(), SAMPLES))
    historic = bool(mapping.get("historic"))
    fields = fillable(work, draft.entity, historic=historic)
    shown = tuple(
        _field(work, each, mapping.get("columns", {}).get(name, {}), table.header, rows)
        for name, each in fields.items()
    )
    return MappingPage(
        title=say("importing.map_title", entity=entity_name(work, draft.entity)),
        current="import",
        crumbs=(Link(say("shell.import"), "/import"),),
        back="/import",
        draft=replace(draft, encoding=table.encoding, delimiter=table.delimiter, sheet=table.sheet),
        entity=entity_name(work, draft.entity),
        header=table.header,
        rows=rows,
        encodings=tuple((each, each.upper()) for each in ENCODINGS),
        sheets=tuple((name, name) for name in table.sheets),
        delimiter=_NAMES.get(table.delimiter, ""),
        delimiters=tuple((_NAMES[each], say(f"importing.{_NAMES[each]}")) for each in DELIMITERS),
        columns=(("", say("importing.not_filled")), *((name, name) for name in table.header)),
        fields=shown,
        missing_choices=tuple((each, say(f"importing.missing_{each}")) for each in MISSING),
        keys=(
            ("", say("importing.key_none")),
            *((each.id, each.label) for each in shown if each.kind == "text"),
        ),
        key=str(mapping.get("key") or ""),
        rules=mapping.get("rules") is not False,
        historic=historic,
        may_historic=work.policy.admin,
        preflight=found,
        wrong=wrong_with(refused.problems, locale, ()) if refused else NOTHING_WRONG,
    )


def _field(
    work: Work, field: Field, given: Mapping[str, Any], header: Sequence[str], rows: Sequence[tuple[str, ...]]
) -> MappedField:
    labels, locale = work.model.labels, work.context.locale
    column = given.get("column", "")
    at = header.index(column) if column in header else -1
    samples = dict.fromkeys(row[at] for row in rows if row[at]) if at >= 0 else {}
    target = work.policy.entity(field.to or "") if field.leads_to_records else None
    matches = [each for each in target.readable.values() if each.kind == "text"] if target else []
    replaced = given.get("values", {})
    return MappedField(
        id=field.id,
        label=labels.field(locale, field),
        kind=field.kind,
        required=field.required,
        column=column,
        sample=" · ".join(list(samples)[:3])[:120],
        values="\n".join(f"{old} {ARROW} {new or ''}" for old, new in replaced.items()),
        format=given.get("format", ""),
        match=given.get("match", "") or title_of(work, field),
        missing=given.get("missing", "error"),
        match_choices=tuple((each.id, labels.field(locale, each)) for each in matches),
    )


def _mapping(sent: Mapping[str, str]) -> dict[str, Any]:
    """The mapping as the form says it; fields without a column are left out."""
    columns: dict[str, dict[str, Any]] = {}
    for name, column in sent.items():
        part, _, field = name.partition(".")
        if part != "column" or not column:
            continue
        columns[field] = {"column": column}
        for key in ("match", "missing", "format"):
            if sent.get(f"{key}.{field}"):
                columns[field][key] = sent[f"{key}.{field}"]
        replaced = _replacements(sent.get(f"values.{field}", "")) | _mended(sent, field)
        if replaced:
            columns[field]["values"] = replaced
    mapping: dict[str, Any] = {"columns": columns, "historic": "historic" in sent, "rules": "rules" in sent}
    return mapping | ({"key": sent["key"]} if sent.get("key") else {})


def _replacements(text: str) -> dict[str, str | None]:
    """Lines of `in the file => as stored`; nothing behind the arrow stores nothing."""
    pairs = (line.partition(ARROW) for line in text.splitlines() if ARROW in line)
    return {old.strip(): new.strip() or None for old, _, new in pairs if old.strip()}


def _mended(sent: Mapping[str, str], field: str) -> dict[str, str | None]:
    """What was chosen for texts that did not fit: another one, nothing, or to leave them as they are."""
    found: dict[str, str | None] = {}
    for name, text in sent.items():
        at = name.removeprefix(f"misfit.{field}.")
        if at == name:
            continue
        instead = sent.get(f"instead.{field}.{at}", "")
        typed = sent.get(f"typed.{field}.{at}", "")
        if typed or instead == EMPTIED:
            found[text] = typed or None
        elif instead:
            found[text] = instead
    return found


_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def _delimiter(name: str) -> str:
    return next((sign for sign, known in _NAMES.items() if known == name), "")


ROUTES = (
    Route("/import/draft/{id}", show, SIGNED_IN),
    Route("/import/draft/{id}", decide, SIGNED_IN, ("POST",), per_minute=60),
    Route("/import/draft/{id}/forget", forget, SIGNED_IN, ("POST",)),
)
