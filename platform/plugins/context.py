"""Who acts, when and why: passed to every service and hook; there is no ambient current user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dacheng.metadata.definition import Catalogue
from dacheng.metadata.expression.moments import WEEKDAYS, Calendar
from dacheng.metadata.labels import Labels


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody signed in; may do nothing but what is public."""

    id: str = "anonymous"


@dataclass(frozen=True, slots=True)
class User:
    """A signed-in person. `departments` is the own department and all below it; `roles` are references."""

    id: str
    name: str
    roles: frozenset[str]
    department: str | None = None
    departments: tuple[str, ...] = ()
    shared: frozenset[str] = (
        frozenset()
    )  # `read:app.entity`, `write:app.entity` where they work on others' records
    session: str | None = None
    token: str | None = None  # set when the person acts through an API token
    unread: int = field(default=0, compare=False)  # notifications waiting, as counted with the session


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A public link: may do the operations listed on it and nothing else.

    `create:app.entity:field,field` makes a record with these fields; `owner` is whose it becomes.
    """

    id: str
    operations: frozenset[str]
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Automation:
    """An app's automation actor: limited to what its package asked for and the admin granted."""

    id: str
    app: str


@dataclass(frozen=True, slots=True)
class System:
    """The product itself (installation, start, command line of the operator); may do everything."""

    id: str = "system"


Actor = Anonymous | User | ShareLink | Automation | System


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something changed: `kind` is user, api, rule, workflow, import, install, sample or system; `id` names it."""

    kind: str
    id: str = ""
    person: str = ""
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """One call's surroundings. `now` is aware UTC; ids come from `new_id` (UUIDv7 text)."""

    actor: Actor
    now: datetime
    locale: str
    zone: ZoneInfo
    cause: Cause
    new_id: Callable[[], str]
    catalogue: Catalogue
    labels: Labels
    base_url: str = ""
    calendar: Calendar = WEEKDAYS
    extra: Any = field(default=None, compare=False)

    @property
    def today(self) -> date:
        """The date in the workspace's zone."""
        return self.now.astimezone(self.zone).date()

    def because(self, cause: Cause) -> Context:
        """The same surroundings for another cause."""
        return replace(self, cause=cause)

    def acting_as(self, actor: Actor) -> Context:
        """The same surroundings for another actor."""
        return replace(self, actor=actor)
