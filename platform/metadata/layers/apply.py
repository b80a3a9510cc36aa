"""One operation applied to a draft: the answer is empty, or the reason why it was set aside."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from dacheng.metadata.checks.words import placeholders
from dacheng.metadata.definition import LayerOperation
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.layers.policies import LOCKED, OWNER, policy
from dacheng.metadata.layers.values import ABSENT, MANIFEST, Draft, value_at

WORKSPACE = "workspace"
Owns = Callable[[str, str, tuple[str, ...]], bool]
MAX_TEXT = 2_000


def prefix_of(owner: str) -> str:
    """What ids made in a layer start with."""
    return "x_" if owner == WORKSPACE else f"{owner}_"


def may_touch(draft: Draft, op: LayerOperation, kinds: Kinds, owned: bool) -> bool:
    """Whether the property's policy lets the layer change it; `owned` says the layer made the thing itself."""
    field_kind = ""
    if op.kind == "entity" and len(op.path) >= 2:
        spec = value_at(draft.item(op.kind, op.item), op.path[:2])
        field_kind = str(spec.get("x-kind", "")) if isinstance(spec, dict) else ""
    found = policy(kinds, op.kind, op.path, field_kind)
    return not (found == LOCKED or (found == OWNER and not owned))


def apply(draft: Draft, op: LayerOperation, owner: str, kinds: Kinds, owned: bool) -> str:
    """Apply one operation; "" when done, else `missing`, `locked`, `foreign_id`, `exists`, `placeholders`, `malformed`."""
    if op.op == "label":
        return _label(draft, op)
    if op.op == "term":
        return _term(draft, op)
    if op.op == "add":
        return _add(draft, op, owner)
    if draft.item(op.kind, op.item) is ABSENT:
        return "missing"
    if not may_touch(draft, op, kinds, owned):
        return "locked"
    act = {"set": _set, "remove": _remove, "move": _move, "hide": _hide}.get(op.op)
    return "malformed" if act is None else act(draft, op, owned)


def _set(draft: Draft, op: LayerOperation, owned: bool) -> str:
    if not op.path:
        return "malformed"
    table = draft.container(op.kind, op.item, op.path[:-1])
    if table is None:
        return "missing"
    if _holds_entries(table.get(op.path[-1])) or _holds_entries(op.value):
        return "malformed"  # entries come and go one by one, by their ids
    if op.value is None:
        table.pop(op.path[-1], None)
    else:
        table[op.path[-1]] = copy.deepcopy(op.value)
    return ""


def _holds_entries(value: Any) -> bool:
    """Whether a value is an entry with a place among others, or a table of such."""
    if not isinstance(value, dict):
        return False
    return any(
        "order" in one or "x-order" in one for one in (value, *value.values()) if isinstance(one, dict)
    )


def _add(draft: Draft, op: LayerOperation, owner: str) -> str:
    name = op.path[-1] if op.path else op.item
    if not name.startswith(prefix_of(owner)):
        known = op.path and op.path[-2:-1] in (("fields",), ("columns",))
        if not known:  # a form field or a column carries the id of the field it shows
            return "foreign_id"
    if not isinstance(op.value, dict):
        return "malformed"
    if not op.path:
        if op.kind == MANIFEST or draft.item(op.kind, op.item) is not ABSENT:
            return "exists"
        draft.put_item(op.kind, op.item, op.value)
        return ""
    if draft.item(op.kind, op.item) is ABSENT:
        return "missing"
    table = draft.make_table(op.kind, op.item, op.path[:-1])
    if table is None:
        return "missing"
    if name in table:
        return "exists"
    table[name] = copy.deepcopy(op.value)
    return ""


def _remove(draft: Draft, op: LayerOperation, owned: bool) -> str:
    if not op.path:
        if not owned:
            return "locked"
        draft.items.pop((op.kind, op.item), None)
        return ""
    if op.kind == "entity" and op.path[0] == "properties" and not owned:
        return "locked"  # a field of the package is hidden, never removed: records hold its values
    table = draft.container(op.kind, op.item, op.path[:-1])
    if table is None or op.path[-1] not in table:
        return "missing"
    del table[op.path[-1]]
    return ""


def _hide(draft: Draft, op: LayerOperation, owned: bool) -> str:
    table = draft.container(op.kind, op.item, op.path[:-1]) if op.path else None
    if table is None or op.path[-1] not in table:
        return "missing"
    entry = table[op.path[-1]]
    if op.kind == "entity" and len(op.path) == 2 and isinstance(entry, dict):
        entry["x-hidden"] = True
    elif op.kind == "entity" and op.path[-2:-1] == ("x-options",) and isinstance(entry, dict):
        entry["archived"] = True
    elif op.kind == "entity":
        return "malformed"
    else:
        del table[op.path[-1]]
    return ""


def is_hidden(op: LayerOperation, entry: Any) -> bool:
    """Whether what a `hide` is about is hidden already."""
    if not isinstance(entry, dict) or op.kind != "entity":
        return False
    return bool(entry.get("x-hidden") if len(op.path) == 2 else entry.get("archived"))


def order_key(kind: str, path: tuple[str, ...]) -> str:
    """The property that holds the order of entries at a path."""
    return "x-order" if kind == "entity" and len(path) == 2 else "order"


def in_order(table: dict[str, Any], key: str) -> list[str]:
    """The ids of a table's entries in their order."""
    return sorted(table, key=lambda name: (_number(table[name], key), name))


def _number(entry: Any, key: str) -> int:
    value = entry.get(key, 0) if isinstance(entry, dict) else 0
    return value if isinstance(value, int) else 0


def predecessor(table: Any, name: str, key: str) -> str | None:
    """The entry before another; None for the first."""
    if not isinstance(table, dict) or name not in table:
        return None
    ids = in_order(table, key)
    index = ids.index(name)
    return ids[index - 1] if index else None


def _move(draft: Draft, op: LayerOperation, owned: bool) -> str:
    if op.value is not None and not isinstance(op.value, str):
        return "malformed"
    table = draft.container(op.kind, op.item, op.path[:-1]) if op.path else None
    if table is None or op.path[-1] not in table:
        return "missing"
    if op.value is not None and (op.value not in table or op.value == op.path[-1]):
        return "missing"
    if not all(isinstance(entry, dict) for entry in table.values()):
        return "malformed"
    key = order_key(op.kind, op.path)
    ids = [name for name in in_order(table, key) if name != op.path[-1]]
    ids.insert(0 if op.value is None else ids.index(op.value) + 1, op.path[-1])
    for index, name in enumerate(ids):
        table[name][key] = (index + 1) * 10
    return ""


def _label(draft: Draft, op: LayerOperation) -> str:
    if len(op.path) != 2 or not (op.value is None or isinstance(op.value, str)):
        return "malformed"
    words = draft.labels.setdefault(op.path[0], {})
    given = draft.base.labels.get(op.path[0], {}).get(op.path[1])
    if op.value is None:
        words.pop(op.path[1], None)
        return ""
    if len(op.value) > MAX_TEXT:
        return "malformed"
    if given is not None and placeholders(given) != placeholders(op.value):
        return "placeholders"
    words[op.path[1]] = op.value
    return ""


def _term(draft: Draft, op: LayerOperation) -> str:
    if len(op.path) != 3 or not isinstance(op.value, str) or not op.value.strip() or len(op.value) > 80:
        return "malformed"
    terms = draft.terms.setdefault(op.path[0], {})
    if op.path[1] not in terms:
        return "missing"
    terms[op.path[1]][op.path[2]] = op.value
    return ""
