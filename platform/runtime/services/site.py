"""What services that change the product itself are handed: a workspace's database, kinds and data folder."""

from __future__ import annotations

from typing import Protocol

from dacheng.metadata.kinds import Kinds
from dacheng.metadata.parking import Parked
from dacheng.plugins.context import Actor, Cause
from dacheng.plugins.manager import Plugins
from dacheng.runtime.services.rate_limits import RateLimits
from dacheng.runtime.services.work import Work
from dacheng.runtime.settings import Settings
from dacheng.runtime.storage.database import Database
from dacheng.runtime.storage.model import Model


class Site(Protocol):
    """One running workspace, as services see it; `Host` is the one implementation."""

    @property
    def settings(self) -> Settings:
        """What the operator decided."""
        ...

    @property
    def db(self) -> Database:
        """The workspace's database."""
        ...

    @property
    def kinds(self) -> Kinds:
        """Every kind a definition may name."""
        ...

    @property
    def plugins(self) -> Plugins:
        """The plugins of this host."""
        ...

    @property
    def parked(self) -> tuple[Parked, ...]:
        """What rests because the plugin it needs is gone or disabled."""
        ...

    @property
    def limits(self) -> RateLimits:
        """The counters of tries."""
        ...

    def model(self) -> Model:
        """The model in use now."""
        ...

    def refresh(self) -> Model:
        """The model as the database has it now, compiled anew when it moved."""
        ...

    def work(self, actor: Actor | None = None, *, locale: str = "", cause: Cause | None = None) -> Work:
        """A frame for the product itself, or for a given actor."""
        ...

    def renew(self, work: Work) -> Work:
        """The same call on the model and with the rights of now; a person who may not come in is refused."""
        ...
