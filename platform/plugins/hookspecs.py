"""Every hook, one typed function each. `register_*` gives data once at start; `before_*` runs inside the
transaction and may refuse; `after_*` runs when it is committed; `extra_*` adds to pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pluggy

from dacheng.metadata.kinds import KindsPart
from dacheng.metadata.problem import Problem
from dacheng.plugins.api import Command, Consumer, Panel, PluginRoute, Projection, RecordWrite, Tryout
from dacheng.plugins.context import Context

PROJECT = "dacheng"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_kinds() -> KindsPart | None:
    """Fires once at start. Return the definition kinds, field kinds, widgets, actions, operators, event types
    and channels this plugin adds."""


@hookspec
def register_routes() -> Sequence[PluginRoute]:  # type: ignore[empty-body]
    """Fires once at start. Return routes to mount below `/api/v1/x/{plugin}`; one without a permission stops
    the start."""


@hookspec
def register_tryouts() -> Sequence[Tryout]:  # type: ignore[empty-body]
    """Fires once at start. Return pure computations to offer below `/api/v1/try/`."""


@hookspec
def register_projections() -> Sequence[Projection]:  # type: ignore[empty-body]
    """Fires once at start. Return the plugin's own tables; they are created when the plugin is installed."""


@hookspec
def register_packages() -> Sequence[Path]:  # type: ignore[empty-body]
    """Fires once at start. Return folders of definition packages that carry this plugin's id; they are offered
    in the marketplace and installed by plan like any other."""


@hookspec
def register_commands() -> Sequence[Command]:  # type: ignore[empty-body]
    """Fires once when the command line starts. Return commands to add below `dacheng {plugin}`."""


@hookspec
def register_consumers() -> Sequence[Consumer]:  # type: ignore[empty-body]
    """Fires once at start. Return followers of the event log; each keeps its own cursor."""


@hookspec
def before_write(context: Context, write: RecordWrite) -> Sequence[Problem]:  # type: ignore[empty-body]
    """Fires for each record inside the write, after validation and rules. Return problems to refuse it, or
    nothing; do not write here."""


@hookspec
def after_write(context: Context, write: RecordWrite) -> None:
    """Fires for each record once the write is committed. What fails here is logged under the plugin's name and
    changes nothing."""


@hookspec
def after_publish(context: Context, app: str, version: str) -> None:
    """Fires once an app was installed, upgraded, or its workspace layer published, in the process that did it."""


@hookspec
def extra_panels() -> Sequence[Panel]:  # type: ignore[empty-body]
    """Fires once at start. Return panels for record pages; each is drawn from structured parts, never markup."""
