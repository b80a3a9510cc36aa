"""Where a person is in a list, as its address says: view, conditions, words, order and page."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import orjson

from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import refuse
from dacheng.metadata.strict_json import strict_json

OWN = ("view", "filter", "sort", "q", "cursor", "build", "by", "op")
MAX_QUERY = 100
MAX_FILTER = 20_000
MAX_EQUALS = 20
_SLOT = secrets.token_hex(12)  # needs no escaping and occurs in no address


@dataclass(frozen=True, slots=True)
class ListState:
    """A list's address taken apart; `equals` are `field=value` pairs, `filter` an expression as JSON."""

    path: str
    view: str = ""
    filter: Json = None
    equals: tuple[tuple[str, str], ...] = ()
    sort: str = ""
    q: str = ""
    cursor: str = ""
    build: str = ""

    @classmethod
    def of(cls, path: str, query: Mapping[str, str]) -> ListState:
        """The state of an address; a filter that is no JSON raises `Refused`."""
        raw = query.get("filter", "")
        if len(raw) > MAX_FILTER:
            raise refuse("web.not_understood")
        parameters: dict[str, Any] = {
            name: query.get(name, "") for name in ("view", "sort", "cursor", "build")
        }
        equals = [(k, v) for k, v in query.items() if k not in OWN and not k.startswith("f-value") and v]
        return cls(
            path=path,
            filter=strict_json(raw.encode()) if raw else None,
            equals=tuple(equals[:MAX_EQUALS]),
            q=query.get("q", "").strip()[:MAX_QUERY],
            **parameters,
        )

    def pairs(self) -> list[tuple[str, str]]:
        """The state as query parameters, without the page and without what is being built."""
        found = [("view", self.view)] if self.view else []
        if self.filter is not None:
            found.append(("filter", json_text(self.filter)))
        found.extend(self.equals)
        found.extend((name, text) for name, text in (("sort", self.sort), ("q", self.q)) if text)
        return found

    def href(self, **changes: Any) -> str:
        """The address of the state with some parts replaced; the page starts over unless `cursor` is given."""
        changed = replace(self, **{"cursor": "", "build": "", **changes})
        pairs = changed.pairs()
        pairs.extend(
            (name, text) for name, text in (("cursor", changed.cursor), ("build", changed.build)) if text
        )
        return changed.path + (f"?{urlencode(pairs)}" if pairs else "")

    def opener(self, name: str) -> Callable[[str], str]:
        """`href` for many values of one part, each a field's id or an order: text that needs no escaping."""
        values = {"cursor": "", "build": "", name: _SLOT}
        before, behind = self.href(**values).split(_SLOT)
        return lambda text: before + text + behind

    def without(self, name: str) -> tuple[tuple[str, str], ...]:
        """The pairs of equality without the one on `name`."""
        return tuple(pair for pair in self.equals if pair[0] != name)


def json_text(value: Json) -> str:
    """The one compact text of a filter; exact numbers stay exact."""
    return orjson.dumps(value, default=str).decode()
