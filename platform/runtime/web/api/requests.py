"""What an API request says, read strictly: known parameters once, JSON bodies, version and retry headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request

from dacheng.metadata.problem import refuse
from dacheng.metadata.strict_json import strict_json

JSON_TYPES: Final = frozenset({"application/json", "application/merge-patch+json"})
TRUTH: Final = {"true": True, "false": False}
RECORD_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VERSION = re.compile(r'"([1-9][0-9]{0,17})"')
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def parameters(request: Request, allowed: frozenset[str]) -> dict[str, str]:
    """The query string's parameters; one unknown, repeated or with control characters is refused."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in allowed:
            raise refuse("web.unknown_parameter", name=name)
        if name in found:
            raise refuse("web.repeated_parameter", name=name)
        if _CONTROL.search(value):
            raise refuse("web.bad_parameter", name=name)
        found[name] = value
    return found


def whole_number(params: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A parameter that is a whole number from 1 to `most`."""
    text = params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise refuse("web.bad_parameter", name=name)
    return int(text)


def truth(params: Mapping[str, str], name: str) -> bool:
    """A parameter that is `true` or `false`; absent means false."""
    try:
        return TRUTH[params.get(name, "false")]
    except KeyError:
        raise refuse("web.bad_parameter", name=name) from None


def names(params: Mapping[str, str], name: str) -> tuple[str, ...]:
    """A parameter that lists names with commas between; absent gives none."""
    text = params.get(name)
    return tuple(text.split(",")) if text else ()


def json_parameter(params: Mapping[str, str], name: str) -> Any:
    """A parameter that holds JSON; absent gives None."""
    text = params.get(name)
    return None if not text else strict_json(text.encode("utf-8", "surrogatepass"))


async def json_body(request: Request) -> Any:
    """The body as JSON; a body of another declared type is refused, whatever it holds."""
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared not in JSON_TYPES:
        raise refuse("web.media_type", found=declared, wanted="application/json")
    return strict_json(await request.body())


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object."""
    body = await json_body(request)
    if not isinstance(body, dict):
        raise refuse("web.bad_body")
    return body


def record_id(request: Request) -> str:
    """The record's id from the address; what has not the form of one leads to no record."""
    text = str(request.path_params["id"])
    if not RECORD_ID.fullmatch(text):
        raise refuse("record.missing")
    return text


def entity_ref(request: Request) -> str:
    """`app.entity` from the address."""
    return f"{request.path_params['app']}.{request.path_params['entity']}"


def expected_version(request: Request) -> int | None:
    """The version `If-Match` names; None for `*`; without the header the change is refused."""
    header = request.headers.get("if-match")
    if header is None:
        raise refuse("web.precondition_missing")
    if header.strip() == "*":
        return None
    found = _VERSION.fullmatch(header.strip())
    if found is None:
        raise refuse("web.bad_header", name="If-Match")
    return int(found[1])


def idempotency_key(request: Request) -> str:
    """The `Idempotency-Key` header; empty when there is none."""
    key = request.headers.get("idempotency-key", "")
    if key and not _KEY.fullmatch(key):
        raise refuse("web.bad_header", name="Idempotency-Key")
    return key


def entity_tag(version: int) -> str:
    """The `ETag` of a record's version."""
    return f'"{version}"'
