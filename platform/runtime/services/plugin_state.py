"""Plugins come to rest and to work again in one workspace: nothing of theirs is lost meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from dacheng.metadata.parking import Parked
from dacheng.metadata.problem import refuse
from dacheng.plugins.manager import Plugins
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
from dacheng.runtime.storage import plugin_states, schema_change
from dacheng.runtime.storage.database import Database
from dacheng.runtime.storage.reader import Transaction
from dacheng.runtime.storage.schema_change import Journal


@dataclass(frozen=True, slots=True)
class PluginState:
    """One plugin that is installed beside the product, or disabled though it is gone."""

    name: str
    enabled: bool
    installed: bool


def list_plugins(plugins: Plugins, disabled: frozenset[str]) -> tuple[PluginState, ...]:
    """Every plugin known here, by name."""
    names = sorted({*plugins.known, *disabled})
    return tuple(PluginState(name, name not in disabled, name in plugins.known) for name in names)


def set_enabled(db: Database, name: str, known: Collection[str], *, enabled: bool) -> bool:
    """Enable or disable; answers whether that changed anything. A name nobody has is `plugin.unknown`.

    Other processes follow with their next request; the routes of a plugin they did not start with need a restart.
    """

    def change(tx: Transaction) -> bool:
        before = plugin_states.disabled(tx)
        if name not in known and name not in before:
            raise refuse("plugin.unknown", plugin=name)
        after = before - {name} if enabled else before | {name}
        if after != before:
            plugin_states.put_disabled(tx, after)
        return after != before

    return db.write_now(change)


def settle(site: Site, name: str) -> tuple[Parked, ...]:
    """Give the definitions of a plugin that is back what the schema lacks of them; answers what still rests."""
    model = site.refresh()
    journal = Journal(f"plugin enable {name}", milliseconds(datetime.now(UTC)))
    site.db.write_now(lambda tx: schema_change.apply(tx, (), None, model.tables, journal))
    return site.parked
