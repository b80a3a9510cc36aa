"""What each field kind is held to: one module a kind, its `CASE` found by the kind's name."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Protocol


class Create(Protocol):
    """Makes what values lead to, in a real workspace."""

    def __call__(self, ref: str, values: Mapping[str, Any], /) -> str:
        """A record; answers its id."""
        ...

    def file(self, name: str, content: bytes, source: str = "upload") -> Mapping[str, Any]:
        """An uploaded file; answers what a record holds of it."""
        ...


Live = Callable[[Create], Sequence[Any]]


@dataclass(frozen=True)
class Case:
    """A kind's examples.

    `spec` is what its property says in the codec's contract; `values` are (JSON, typed value, stored values);
    `bad` is JSON that must be refused; `typed` are (what people type, typed value). `live_spec` and `live`
    are for the contract through the whole product: JSON values as the API answers with them, in ascending
    order where the kind is ordered. `sortable`, `unique`, `grouped`, `imported` and `posted` say which parts
    of that contract hold; each exception has its reason beside it in the case. `stranger` is JSON that the
    derived schema knows for none of its own.
    """

    spec: Mapping[str, Any]
    values: Sequence[tuple[Any, Any, tuple[Any, ...]]]
    bad: Sequence[Any]
    typed: Sequence[tuple[str, Any]] = ()
    live_spec: Mapping[str, Any] | None = None
    live: Live | None = None
    sortable: bool = True
    unique: bool = True
    grouped: bool = True
    imported: bool = True
    posted: bool = True
    stranger: Any = ({},)

    def values_in(self, create: Create) -> list[Any]:
        """The JSON values to store in a real workspace."""
        return list(self.live(create)) if self.live is not None else [each[0] for each in self.values]

    @property
    def property(self) -> dict[str, Any]:
        """What a property of this kind says in a real workspace, its kind aside."""
        return dict(self.spec if self.live_spec is None else self.live_spec)


def _cases() -> Mapping[str, Case]:
    found = {
        each.name: import_module(f"{__name__}.{each.name}").CASE for each in pkgutil.iter_modules(__path__)
    }
    return MappingProxyType(dict(sorted(found.items())))


CASES = _cases()
