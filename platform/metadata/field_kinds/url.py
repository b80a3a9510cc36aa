"""URL: a web address; http and https alone, so that no link can run anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from dacheng.metadata.expression import TEXT
from dacheng.metadata.field_kinds.text import clean_text
from dacheng.metadata.field_kinds.verbatim import Verbatim
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import refuse

LONGEST = 2000
_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*:", re.IGNORECASE | re.ASCII)
_PORT = re.compile(r"[^/:?#]+:\d{1,5}([/?#]|$)", re.ASCII)
_UNSAFE = re.compile(r"[\s\x00-\x20\x7f\\\"<>^`{|}]")


def web_address(text: str) -> str | None:
    """The address if a browser will take it for exactly what it says: http or https, a host, nobody's password."""
    if len(text) > LONGEST or _UNSAFE.search(text) or not text.isprintable():
        return None
    try:
        parts = urlsplit(text)
        port_fits = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        return None
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or not port_fits:
        return None
    start = text.index("//") + 2
    return f"{parts.scheme}://{parts.netloc.lower()}{text[start + len(parts.netloc) :]}"


class UrlCodec(Verbatim):
    """A web address bound to one field: scheme and host in small letters, the rest as it was written."""

    def __init__(self, spec: Spec) -> None:
        self.columns = (ColumnSpec(Primitive.TEXT, indexed=bool(spec.get("x-index"))),)
        self.type = TEXT
        self.value_schema: Mapping[str, Any] = {
            "type": "string",
            "pattern": "^https?://[^ ]+$",
            "maxLength": LONGEST,
        }

    def parse(self, raw: Json) -> str | None:
        """A whole address → the address."""
        if raw is None or raw == "":
            return None
        found = web_address(clean_text(raw).strip())
        if found is None:
            raise refuse("value.not_a_url", value=raw)
        return found

    def parse_text(self, text: str) -> str | None:
        """What a person typed; `example.com` without a scheme means https."""
        plain = text.strip()
        if plain and (not _SCHEME.match(plain) or _PORT.match(plain)):
            if "." not in plain.split("/")[0]:
                raise refuse("value.not_a_url", value=text)
            plain = f"https://{plain}"
        return self.parse(plain)


class Url(FieldKind):
    """A web address, http or https."""

    id = "url"
    ordered = True

    def bind(self, field_id: str, spec: Spec) -> UrlCodec:
        """The codec of one address field."""
        return UrlCodec(spec)
