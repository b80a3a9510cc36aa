"""One plugin manager per host: finds plugins, calls hooks one implementation at a time, names who fails."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any

import pluggy

from dacheng.metadata.kinds import Kinds, KindsPart
from dacheng.metadata.problem import Problem, Refused, problem
from dacheng.plugins import hookspecs
from dacheng.plugins.api import RecordWrite
from dacheng.plugins.context import Context

ENTRY_POINTS = "dacheng.plugins"
NONE: frozenset[str] = frozenset()
_NAME = re.compile(r"[a-z][a-z0-9_]{0,15}")
log = logging.getLogger("dacheng.plugins")


class PluginFailed(Exception):
    """Raised at start when a plugin's registration fails; its message names the plugin and the hook."""


class Plugins:
    """The plugins of one host; those in `disabled` are known and do nothing.

    Registration failures stop the start with the plugin's name; a failing `before_*` refuses the write naming
    it; a failing `after_*` is logged.
    """

    def __init__(self, plugins: Mapping[str, object], disabled: frozenset[str] = NONE) -> None:
        self.known = tuple(plugins)
        self.disabled = disabled & plugins.keys()
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        for name, plugin in plugins.items():
            if not _NAME.fullmatch(name):
                raise PluginFailed(f"Plugin “{name}” needs a name of at most 16 small letters, digits and _")
            if name not in disabled:
                self._register(name, plugin)
        self._before = tuple(self._implementations("before_write"))
        self._after = tuple(self._implementations("after_write"))
        self._registered: dict[str, Mapping[str, Any]] = {}
        self._kept: dict[str, Any] = {}

    def _register(self, name: str, plugin: object) -> None:
        try:
            self._manager.register(plugin, name=name)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginFailed(f"Plugin “{name}” does not fit: {error}") from error

    @property
    def names(self) -> tuple[str, ...]:
        """The plugins at work, in order."""
        return tuple(name for name in self.known if name not in self.disabled)

    @property
    def watches_writes(self) -> bool:
        """Whether any plugin wants to see record writes; when none does, nothing is prepared for them."""
        return bool(self._before or self._after)

    def registered(self, hook: str) -> Mapping[str, Any]:
        """What each plugin returned from a `register_*` or `extra_*` hook, asked once: plugin name → value."""
        if hook not in self._registered:
            found: dict[str, Any] = {}
            for name, function in self._implementations(hook):
                try:
                    value = function()
                except Exception as error:
                    raise PluginFailed(f"Plugin “{name}” failed in {hook}: {error}") from error
                if value:
                    found[name] = value
            self._registered[hook] = MappingProxyType(found)
        return self._registered[hook]

    def remembered(self, key: str, make: Callable[[], Any]) -> Any:
        """What `make` works out from the registrations, once for these plugins."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def kinds(self, builtin: KindsPart) -> Kinds:
        """The registry of the built-in part and every plugin's."""
        return Kinds.of([builtin, *self.registered("register_kinds").values()])

    def before_write(self, context: Context, writes: Iterable[RecordWrite]) -> tuple[Problem, ...]:
        """All problems plugins have with these writes, once a record; a plugin that raises is itself a problem."""
        problems: list[Problem] = []
        for write in _folded(writes):
            for name, function in self._before:
                problems.extend(_ask(name, function, context, write))
        return tuple(problems)

    def after_write(self, context: Context, writes: Sequence[RecordWrite]) -> None:
        """Tell plugins what was committed; failures are logged and named."""
        for write in _folded(writes):
            for name, function in self._after:
                _tell(name, "after_write", function, context=context, write=write)

    def after_publish(self, context: Context, app: str, version: str) -> None:
        """Tell plugins that an app changed; failures are logged and named."""
        for name, function in self._implementations("after_publish"):
            _tell(name, "after_publish", function, context=context, app=app, version=version)

    def _implementations(self, hook: str) -> Iterator[tuple[str, Callable[..., Any]]]:
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            yield implementation.plugin_name, _by_name(implementation)


def discover(disabled: frozenset[str] = NONE) -> dict[str, object]:
    """Plugins installed beside the product, by entry point group `dacheng.plugins`; disabled ones are not loaded."""
    return {name: object() if name in disabled else load(name) for name in names_beside()}


def load(name: str) -> object:
    """One plugin installed beside the product; `PluginFailed` when its module cannot be imported."""
    try:
        (point,) = entry_points(group=ENTRY_POINTS, name=name)
        return point.load()
    except Exception as error:
        raise PluginFailed(f"Plugin “{name}” could not be loaded: {error}") from error


def names_beside() -> tuple[str, ...]:
    """The names of the plugins installed beside the product, without loading any."""
    return tuple(sorted(point.name for point in entry_points(group=ENTRY_POINTS)))


def _folded(writes: Iterable[RecordWrite]) -> Iterable[RecordWrite]:
    """One write per record, from what it was before the first change to what it is after the last."""
    found: dict[tuple[str, str], RecordWrite] = {}
    for write in writes:
        first = found.get((write.entity, write.id))
        if first is not None:
            action = write.action if write.after is None else first.action
            found[write.entity, write.id] = replace(write, action=action, before=first.before)
        else:
            found[write.entity, write.id] = write
    return found.values()


def _by_name(implementation: pluggy.HookImpl) -> Callable[..., Any]:
    """The function, called with just the arguments its author named (hooks may name fewer)."""
    names = implementation.argnames

    def call(**arguments: Any) -> Any:
        return implementation.function(**{name: arguments[name] for name in names})

    return call


def _ask(name: str, function: Callable[..., Any], context: Context, write: RecordWrite) -> Sequence[Problem]:
    try:
        return function(context=context, write=write) or ()
    except Refused as refused:
        return refused.problems
    except Exception:
        log.exception("plugin %s failed in before_write", name)
        return (problem("plugin.failed", plugin=name),)


def _tell(name: str, hook: str, function: Callable[..., Any], **arguments: Any) -> None:
    try:
        function(**arguments)
    except Exception:
        log.exception("plugin %s failed in %s", name, hook)
