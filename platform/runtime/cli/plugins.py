"""Commands about plugins: `plugin list`, `enable`, `disable`, and the commands plugins add themselves."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from dacheng.metadata.problem import refuse
from dacheng.plugins.api import Command
from dacheng.plugins.context import Cause
from dacheng.plugins.manager import PluginFailed, Plugins, load, names_beside
from dacheng.runtime.cli.output import DONE, Output
from dacheng.runtime.cli.workspace import Commands, add_command, add_group, open_host, settings_of
from dacheng.runtime.services import plugin_state
from dacheng.runtime.services.plugin_access import PluginAccess
from dacheng.runtime.storage import plugin_states
from dacheng.runtime.storage.database import Database, open_database


def register(commands: Commands) -> None:
    """Add this group's commands, then those of the plugins installed beside the product."""
    group = add_group(commands, "plugin", "Plugins of this workspace.")
    add_command(group, "list", "List plugins and what rests without them.", list_plugins)
    parser = add_command(group, "enable", "Let a plugin work again.", enable)
    parser.add_argument("plugin", metavar="PLUGIN")
    parser = add_command(group, "disable", "Let a plugin rest; its definitions and data are kept.", disable)
    parser.add_argument("plugin", metavar="PLUGIN")
    for name, added in _commands_of_plugins().items():
        if name in commands.choices:
            sys.stderr.write(f"Plugin “{name}” is named like a command; its own commands are left out.\n")
            continue
        own = add_group(commands, name, f"Commands of the plugin {name}.")
        for command in added:
            parser = add_command(own, command.id, command.help, partial(run_command, name, command))
            for argument, help_text in command.arguments.items():
                parser.add_argument(argument, help=help_text)


def _commands_of_plugins() -> dict[str, tuple[Command, ...]]:
    """The commands plugins add; a plugin that fails is named and must not keep one from disabling it."""
    found: dict[str, tuple[Command, ...]] = {}
    for name in names_beside():
        try:
            added = Plugins({name: load(name)}).registered("register_commands")
        except PluginFailed as failed:
            sys.stderr.write(f"{failed}\n")
        else:
            found.update({owner: tuple(commands) for owner, commands in added.items()})
    return found


def list_plugins(given: argparse.Namespace, output: Output) -> int:
    """Every plugin with its state, and the definitions that rest."""
    with open_host(given, read_only=True) as host:
        states = plugin_state.list_plugins(host.plugins, host.db.read_now(plugin_states.disabled))
        parked = host.parked
    document = {
        "plugins": [{"plugin": s.name, "enabled": s.enabled, "installed": s.installed} for s in states],
        "parked": [{"app": p.app, "item": p.item, "reason": p.reason} for p in parked],
    }
    lines = [
        f"{s.name}  {'enabled' if s.enabled else 'disabled'}{'' if s.installed else ', not installed'}"
        for s in states
    ]
    lines += [f"rests: {p.app} {p.item}: {p.reason}" for p in parked]
    output.result(document, lines)
    return DONE


def enable(given: argparse.Namespace, output: Output) -> int:
    """Let a plugin work again; when it cannot, it stays disabled."""
    with _database(given) as db:
        plugin_state.set_enabled(db, given.plugin, names_beside(), enabled=True)
    try:
        with open_host(given) as host:
            parked = plugin_state.settle(host, given.plugin)
    except PluginFailed:
        with _database(given) as db:
            plugin_state.set_enabled(db, given.plugin, names_beside(), enabled=False)
        raise
    items = [{"app": p.app, "item": p.item, "reason": p.reason} for p in parked]
    output.result({"plugin": given.plugin, "enabled": True, "parked": items}, [f"{given.plugin}: enabled"])
    return DONE


def disable(given: argparse.Namespace, output: Output) -> int:
    """Let a plugin rest, even one with which nothing starts any more."""
    with _database(given) as db:
        plugin_state.set_enabled(db, given.plugin, names_beside(), enabled=False)
    output.result({"plugin": given.plugin, "enabled": False}, [f"{given.plugin}: disabled; its data is kept"])
    return DONE


def run_command(plugin: str, command: Command, given: argparse.Namespace, output: Output) -> int:
    """Run a plugin's own command as the product itself; a disabled plugin has none."""
    with open_host(given) as host:
        if plugin not in host.plugins.names:
            raise refuse("plugin.unknown", plugin=plugin)
        work = host.work(cause=Cause("system", f"plugin:{plugin}"))
        access = PluginAccess.of(host, work, plugin, writes=True)
        return command.run(access, {name: getattr(given, name) for name in command.arguments})


@contextmanager
def _database(given: argparse.Namespace) -> Iterator[Database]:
    """The workspace's database without its plugins."""
    settings = settings_of(given)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    db = open_database(settings.database_url)
    try:
        yield db
    finally:
        db.close()
