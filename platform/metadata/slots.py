"""Which places of a definition need words: one function per definition kind, giving label slots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from dacheng.metadata.kinds import Slot
from dacheng.metadata.system_fields import OWNED, is_owned

Item = Mapping[str, Any]


def _entity(item: Item) -> Iterator[Slot]:
    entity = item["id"]
    yield Slot(f"entity:{entity}")
    for field, spec in item["properties"].items():
        yield Slot(f"field:{entity}.{field}")
        yield Slot(f"help:{entity}.{field}", optional=True)
        for option in spec.get("x-options", {}):
            yield Slot(f"option:{entity}.{field}.{option}")
    for field in OWNED if is_owned(item) else ():  # an app may have a word of its own for whose a record is
        yield Slot(f"field:{entity}.{field}", optional=True)


def _form(item: Item) -> Iterator[Slot]:
    yield Slot(f"form:{item['id']}", optional=True)
    for section in item["sections"]:
        yield Slot(f"section:{item['id']}.{section}")


def _list(item: Item) -> Iterator[Slot]:
    yield Slot(f"list:{item['id']}")
    for column in item["columns"]:
        yield Slot(f"column:{item['id']}.{column}", optional=True)


def _measure(item: Item) -> Iterator[Slot]:
    yield Slot(f"measure:{item['id']}")
    for dimension in item.get("dimensions", {}):
        yield Slot(f"dimension:{item['id']}.{dimension}")


def _dashboard(item: Item) -> Iterator[Slot]:
    yield Slot(f"dashboard:{item['id']}")
    for widget in item["widgets"]:
        yield Slot(f"widget:{item['id']}.{widget}")


def _workflow(item: Item) -> Iterator[Slot]:
    yield Slot(f"workflow:{item['id']}")
    for transition, body in item["transitions"].items():
        yield Slot(f"transition:{item['id']}.{transition}")
        if "guard" in body:  # what has to hold, for whoever is refused the step
            yield Slot(f"guard:{item['id']}.{transition}", optional=True)


def _rule(item: Item) -> Iterator[Slot]:
    yield Slot(f"rule:{item['id']}")
    for action in item["then"].values():
        if action.get("action") == "notify" and isinstance(action.get("message"), str):
            yield Slot(f"message:{action['message']}")


def _role(item: Item) -> Iterator[Slot]:
    yield Slot(f"role:{item['id']}")


def _match(item: Item) -> Iterator[Slot]:
    yield Slot(f"match:{item['id']}", optional=True)


def _guide(item: Item) -> Iterator[Slot]:
    yield Slot(f"guide:{item['id']}")
    for step in item["steps"]:
        yield Slot(f"step:{item['id']}.{step}")
        yield Slot(f"help:{item['id']}.{step}", optional=True)


def manifest_slots(manifest: Item) -> Iterator[Slot]:
    """The slots of the app itself and of its navigation."""
    yield Slot("app")
    yield Slot("app:description", optional=True)
    for entry, body in manifest.get("navigation", {}).items():
        yield Slot(f"nav:{entry}", optional=True)
        if "group" in body:
            yield Slot(f"group:{body['group']}")


SLOTS: Mapping[str, Callable[[Item], Iterable[Slot]]] = MappingProxyType(
    {
        "entity": _entity,
        "form": _form,
        "list": _list,
        "measure": _measure,
        "dashboard": _dashboard,
        "workflow": _workflow,
        "rule": _rule,
        "role": _role,
        "match": _match,
        "guide": _guide,
    }
)
