"""Where a person is in a list, as its address says: view, conditions, words, order and page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import orjson

from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import refuse
from dacheng.metadata.strict_json import strict_json

EXPORT_OF = "export-of"  # which part of a list is exported: `shown`, or `every` record whatever the view
OWN = ("view", "filter", "sort", "q", "cursor", "build", "by", "op")
PLACES = (
    EXPORT_OF,
    "show-as",
    "show-on",
    "show-at",
    "show-span",
    "show-column",
    "group-by",
    "group-open",
)  # with a hyphen: no field is called so
MAX_QUERY = 100
MAX_FILTER = 20_000
MAX_EQUALS = 20
NONE = "-"  # an address's word for «no grouping», where the view has one


@dataclass(frozen=True, slots=True)
class Base:
    """What the open view says itself; an address repeats only what differs from it."""

    filter: Json = None
    kind: str = "table"
    on: str = ""
    group: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Leads:
    """Beginnings of addresses: the list as it is without one part, ready for `name=value` to be put behind.

    `state` is the query of the list as it is, `ungrouped` the whole address of the list in no groups.
    """

    state: str
    build: str
    sort: str
    group: str
    kind: str
    on: str
    ungrouped: str


@dataclass(frozen=True, slots=True)
class ListState:
    """A list's address taken apart; `equals` are `field=value` pairs, `filter` an expression as JSON.

    `kind` and `on` say how it is shown, `group` what rows are grouped by, `open` the groups unfolded (JSON),
    `at` the day a calendar is turned to.
    """

    path: str
    view: str = ""
    filter: Json = None
    equals: tuple[tuple[str, str], ...] = ()
    sort: str = ""
    q: str = ""
    cursor: str = ""
    build: str = ""
    kind: str = "table"
    on: str = ""
    group: tuple[str, ...] = ()
    open: str = ""
    at: str = ""
    span: str = ""  # of a calendar: `week`, else a month
    column: str = ""  # of a board: the one that `cursor` belongs to
    base: Base = Base()

    @classmethod
    def of(cls, path: str, query: Mapping[str, str], base: Base = Base()) -> ListState:
        """The state of an address over a view; a filter that is no JSON raises `Refused`."""
        raw = query.get("filter", "")
        if len(raw) > MAX_FILTER:
            raise refuse("web.not_understood")
        parameters: dict[str, Any] = {
            name: query.get(name, "") for name in ("view", "sort", "cursor", "build")
        }
        equals = [(k, v) for k, v in query.items() if _is_field(k) and v]
        group = query.get("group-by")
        return cls(
            path=path,
            filter=strict_json(raw.encode()) if raw else base.filter,
            equals=tuple(equals[:MAX_EQUALS]),
            q=query.get("q", "").strip()[:MAX_QUERY],
            kind=query.get("show-as") or base.kind,
            on=query.get("show-on") or base.on,
            group=tuple(p for p in group.split(",") if p and p != NONE) if group else base.group,
            open=query.get("group-open", "")[:MAX_FILTER],
            at=query.get("show-at", "")[:10],
            span=query.get("show-span", "")[:10],
            column=query.get("show-column", "")[:40],
            base=base,
            **parameters,
        )

    def pairs(self) -> list[tuple[str, str]]:
        """The state as query parameters, without the page and without what is being built."""
        base = self.base
        found = [("view", self.view)] if self.view else []
        if self.filter != base.filter:
            found.append(("filter", json_text(self.filter)))
        found.extend(self.equals)
        found.extend((name, text) for name, text in (("sort", self.sort), ("q", self.q)) if text)
        if self.kind != base.kind:
            found.append(("show-as", self.kind))
        if self.on != base.on and self.on:
            found.append(("show-on", self.on))
        if self.group != base.group:
            found.append(("group-by", ",".join(self.group) or NONE))
        return found

    def href(self, **changes: Any) -> str:
        """The address of the state with some parts replaced; the page starts over unless `cursor` is given."""
        changed = replace(
            self, **{"cursor": "", "build": "", "open": "", "at": "", "span": "", "column": "", **changes}
        )
        pairs = changed.pairs()
        places = (
            ("cursor", changed.cursor),
            ("build", changed.build),
            ("group-open", changed.open),
            ("show-at", changed.at),
            ("show-span", changed.span),
            ("show-column", changed.column),
        )
        pairs.extend((name, text) for name, text in places if text)
        return changed.path + (f"?{urlencode(pairs)}" if pairs else "")

    def leads(self) -> Leads:
        """The beginnings of the addresses that change one thing."""
        pairs = [(name, urlencode(((name, value),))) for name, value in self.pairs()]

        def without(*names: str) -> str:
            kept = "&".join([text for name, text in pairs if name not in names])
            return f"{self.path}?{kept}&" if kept else f"{self.path}?"

        whole = "&".join([text for _, text in pairs])
        return Leads(
            state=whole,
            build=without(),
            sort=without("sort"),
            group=without("group-by"),
            kind=without("show-as", "show-on"),
            on=without("show-on"),
            ungrouped=self.href(group=()) if self.group else without().rstrip("?&"),
        )

    def without(self, name: str) -> tuple[tuple[str, str], ...]:
        """The pairs of equality without the one on `name`."""
        return tuple(pair for pair in self.equals if pair[0] != name)


def _is_field(name: str) -> bool:
    return name not in OWN and name not in PLACES and not name.startswith("f-value")


def json_text(value: Json) -> str:
    """The one compact text of a filter; exact numbers stay exact."""
    return orjson.dumps(value, default=str).decode()
