"""Compiled apps that are kept by content: what is immutable and of the same content needs no second compiling."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from operator import is_

from dacheng.metadata.definition import CompiledApp
from dacheng.metadata.kinds import Kinds

KEPT = 32
_apps: OrderedDict[str, tuple[tuple[object, ...], CompiledApp]] = OrderedDict()
_lock = threading.Lock()


def kept(digest: str, kinds: Kinds, make: Callable[[], CompiledApp]) -> CompiledApp:
    """The app compiled before from the same content with the very same kinds, else `make()`; what it raises is not kept.

    `digest` stands for the package and the apps it requires. Kinds are told apart by their objects, for the code
    behind an id is no content: two plugins may give different code under one id.
    """
    behind = tuple(_behind(kinds))
    with _lock:
        found = _apps.get(digest)
        if found is not None and len(found[0]) == len(behind) and all(map(is_, found[0], behind)):
            _apps.move_to_end(digest)
            return found[1]
    made = make()
    with _lock:
        _apps[digest] = (behind, made)
        _apps.move_to_end(digest)
        while len(_apps) > KEPT:
            _apps.popitem(last=False)
    return made


def _behind(kinds: Kinds) -> Iterator[object]:
    """Everything with code of its own that a compiled app may hold."""
    for group in (kinds.fields, kinds.widgets, kinds.actions, kinds.operators, kinds.events, kinds.channels):
        yield from group.values()
