"""Forms that people post, read strictly: urlencoded, each field known and given once; and what was wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import parse_qsl

from starlette.requests import Request

from dacheng.metadata.problem import Problem, Refused, refuse

FORM_TYPE = "application/x-www-form-urlencoded"
MOST_FIELDS = 6_000  # five hundred lines of a dozen inputs


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """One line of an error summary; `href` leads to the field."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What was wrong with a form: a summary in order, and the sentence at each field."""

    summary: tuple[ErrorLine, ...] = ()
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


NOTHING_WRONG = Wrong()


async def read_form(request: Request, *known: str) -> dict[str, str]:
    """The fields posted; one that is unknown, repeated or holds a NUL is refused, one left out is empty."""
    pairs = await read_pairs(request)
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known or name in found:
            raise refuse("web.form_unknown_field", name=name)
        found[name] = value
    return {name: found.get(name, "") for name in known}


async def read_pairs(request: Request) -> list[tuple[str, str]]:
    """Every (name, value) posted, in order, for forms whose fields depend on data."""
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if not declared and not body:
        return []
    if declared != FORM_TYPE:
        raise refuse("web.media_type", found=declared, wanted=FORM_TYPE)
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(
            text, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise refuse("web.not_understood") from None
    if any("\x00" in name or "\x00" in value for name, value in pairs):
        raise refuse("web.not_understood")
    return pairs


def demand_filled(form: Mapping[str, str], *needed: str) -> None:
    """Refuse with one problem for each needed field that is empty."""
    empty = [name for name in needed if not form[name].strip()]
    if empty:
        raise Refused(
            problem for name in empty for problem in refuse("web.form_incomplete", f"/{name}").problems
        )


def wrong_with(problems: Iterable[Problem], locale: str, fields: Iterable[str]) -> Wrong:
    """Problems as a form shows them; a problem whose pointer starts with a field's name stands at that field."""
    names = frozenset(fields)
    summary: list[ErrorLine] = []
    at: dict[str, str] = {}
    for each in problems:
        name = each.pointer.strip("/").split("/")[0]
        text = " ".join(part for part in (each.message_in(locale), each.hint_in(locale)) if part)
        own = name in names
        summary.append(ErrorLine(text, f"#f-{name}" if own else ""))
        if own:
            at.setdefault(name, text)
    return Wrong(tuple(summary), MappingProxyType(at))
