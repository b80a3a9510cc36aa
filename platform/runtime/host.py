"""One running workspace: settings, plugins, database, and the compiled model that requests read."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from dacheng.metadata import builtin
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.parking import Parked
from dacheng.metadata.problem import Refused, refuse
from dacheng.metadata.system_fields import CORE
from dacheng.plugins.context import Actor, Anonymous, Cause, Context, System, User
from dacheng.plugins.manager import Plugins, discover
from dacheng.runtime.services import install_app, plugin_tables, sessions
from dacheng.runtime.services.directory import Directory
from dacheng.runtime.services.load_catalogue import Loader
from dacheng.runtime.services.rate_limits import RateLimits
from dacheng.runtime.services.sessions import Credentials, Found
from dacheng.runtime.services.work import Work, work_for
from dacheng.runtime.settings import Settings
from dacheng.runtime.storage import packages, plugin_states
from dacheng.runtime.storage.database import Database, open_database
from dacheng.runtime.storage.ids import new_id
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.schema_change import Journal
from dacheng.runtime.storage.versions import Versions, read_versions

T = TypeVar("T")
MOVED = "storage.version_moved"
LOOKED_UP_SECONDS = 5  # how long who is asking may be known without looking whether a session has run out
Find = Callable[[frozenset[str]], Mapping[str, object]]


class Host:
    """A workspace that is open. One per process; several may be open in one process (tests)."""

    def __init__(self, settings: Settings, db: Database, find: Find) -> None:
        self._settings = settings
        self._db = db
        self._find = find
        self._limits = RateLimits(settings)
        self._lock = threading.Lock()
        self._use_plugins(db.read_now(plugin_states.disabled))
        self._model = db.read_now(self._loader.load)
        self._directory = Directory()

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        plugins: Mapping[str, object] | None = None,
        read_only: bool = False,
    ) -> Host:
        """Open the workspace; a new one gets its folder, the product's own tables and the app `core`.

        Raises `Refused` when another process writes the same SQLite file. `plugins` None: those installed.
        """
        given = plugins
        find: Find = discover if given is None else lambda disabled: given
        if read_only and settings.embedded and not _database_file(settings).exists():
            raise refuse("host.no_workspace", name=str(settings.data))
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        db = open_database(
            settings.database_url,
            read_only=read_only,
            statement_seconds=settings.statement_seconds,
        )
        try:
            host = cls(settings, db, find)
            if not read_only:
                host._complete()
        except BaseException:
            db.close()
            raise
        return host

    @property
    def settings(self) -> Settings:
        """What the operator decided."""
        return self._settings

    @property
    def db(self) -> Database:
        """The workspace's database."""
        return self._db

    @property
    def kinds(self) -> Kinds:
        """Every kind a definition may name."""
        return self._kinds

    @property
    def plugins(self) -> Plugins:
        """The plugins of this host."""
        return self._plugins

    @property
    def parked(self) -> tuple[Parked, ...]:
        """What rests because the plugin it needs is gone or disabled."""
        return self._loader.parked

    @property
    def limits(self) -> RateLimits:
        """The counters of tries."""
        return self._limits

    def model(self) -> Model:
        """The model in use now; requests get it through `work_for`."""
        return self._model

    def apply_settings(self, settings: Settings) -> None:
        """Use changed settings from now on; the database and the address listened on stay as they were."""
        self._settings = settings

    def refresh(self) -> Model:
        """The model as the database has it now: labels alone, or everything, loaded anew when it moved."""
        with self._lock:
            self._model = self._db.read_now(self._renewed)
            return self._model

    def _renewed(self, reader: Reader) -> Model:
        if read_versions(reader).definitions != self._model.versions.definitions:
            disabled = plugin_states.disabled(reader)
            if disabled & set(self._plugins.known) != self._plugins.disabled:
                self._use_plugins(disabled)
                return self._loader.load(reader)
        return self._loader.renew(reader, self._model)

    def _use_plugins(self, disabled: frozenset[str]) -> None:
        self._plugins = Plugins(self._find(disabled), disabled)
        self._kinds = self._plugins.kinds(builtin.part())
        self._loader = Loader(self._kinds)

    def _complete(self) -> None:
        """Make what a new workspace, or a new plugin in it, still lacks."""
        if CORE not in self._model.catalogue.apps:
            install_app.install_core(self)
        due = self._db.read_now(
            lambda reader: plugin_tables.due(
                reader, self._plugins, [each.id for each in packages.installed(reader)]
            )
        )
        if due:
            journal = Journal("start", int(datetime.now(UTC).timestamp() * 1000))

            def install(tx: Transaction) -> None:
                plugin_tables.install(tx, self._plugins, due, journal)

            self._db.write_now(install)

    def work(self, actor: Actor | None = None, *, locale: str = "", cause: Cause | None = None) -> Work:
        """A frame for the product itself (`System`), or for a given actor, on the model of now."""
        self.refresh()
        return self._work(actor or System(), locale, cause or Cause("system"), datetime.now(UTC))

    async def work_for(
        self, credentials: Credentials, *, locale: str = "", now: datetime | None = None
    ) -> Work:
        """The frame of one request: who is asking, on the newest model; nobody known is `Anonymous`.

        One bounded read brings session or token and all version counters.
        """
        moment = now or datetime.now(UTC)

        def look(reader: Reader) -> Found:
            return sessions.identify(
                reader, credentials, self._directory, self._model, self._settings, moment
            )

        key = ("who", credentials, self._model.versions, int(moment.timestamp() // LOOKED_UP_SECONDS))
        found = await self._db.read(look, bounded=True, key=key)
        self._directory = found.directory
        await self._catch_up(found.versions)
        if found.touch is not None:
            with suppress(Refused):  # on a full disk people still read
                await self._db.write(found.touch, urgent=False)
        cause = _cause("api" if credentials.token else "user", found.actor)
        return self._work(found.actor, locale or found.locale, cause, moment, found.versions)

    def renew(self, work: Work) -> Work:
        """The same call on the model and with the rights of now; a person who may not come in is refused."""
        model = self.refresh()
        actor, seen = work.context.actor, model.versions
        if isinstance(actor, User):
            actor, seen = self._db.read_now(partial(self._again, model=model, actor=actor))
        return self._work(actor, work.context.locale, work.context.cause, work.context.now, seen)

    def _again(self, reader: Reader, model: Model, actor: User) -> tuple[User, Versions]:
        seen = read_versions(reader)
        current = self._directory.at(reader, model, seen)
        self._directory = current
        person = current.person(reader, model, actor.id)
        if person is None:
            raise refuse("account.sign_in_needed")
        return replace(person.user, session=actor.session, token=actor.token), seen

    async def retrying(
        self, work: Work, action: Callable[[Work], Awaitable[T]], again: Callable[[], Awaitable[Work]]
    ) -> T:
        """Run a write; when definitions moved under it, run it once more on a frame from `again`, then give up."""
        try:
            return await action(work)
        except Refused as refused:
            if not _moved(refused):
                raise
        await asyncio.to_thread(self.refresh)
        try:
            return await action(await again())
        except Refused as refused:
            if _moved(refused):
                raise refuse("host.too_busy") from refused
            raise

    def freeze(self) -> None:
        """Call once when serving begins: what is loaded now is left out of every later collection."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)

    def close(self) -> None:
        """Finish writes that were accepted and close the database."""
        self._db.close()

    async def _catch_up(self, versions: Versions) -> None:
        """Bring the model to `versions`: people alone cost nothing, words and definitions are loaded anew."""
        known = self._model.versions
        if (versions.definitions, versions.labels) != (known.definitions, known.labels):
            await asyncio.to_thread(self.refresh)
        elif versions.directory > known.directory:
            self._model = replace(self._model, versions=versions)

    def _work(
        self, actor: Actor, locale: str, cause: Cause, now: datetime, seen: Versions | None = None
    ) -> Work:
        """A frame; its versions are those at which the actor was `seen`, so that a write finds out what moved since."""
        model = self._model
        if seen is not None and seen != model.versions:
            model = replace(model, versions=seen)
        context = Context(
            actor=actor,
            now=now.replace(microsecond=now.microsecond // 1000 * 1000),
            locale=locale or self._settings.locale,
            zone=self._settings.tzinfo,
            cause=cause,
            new_id=new_id,
            catalogue=model.catalogue,
            labels=model.labels,
            base_url=self._settings.base_url,
            calendar=model.calendar,
        )
        return work_for(context, model, self._kinds, self._plugins)


def _database_file(settings: Settings) -> Path:
    return Path(settings.database_url.removeprefix("sqlite:///"))


def _cause(kind: str, actor: Actor) -> Cause:
    person = "" if isinstance(actor, Anonymous) else actor.id
    return Cause(kind, person=person)


def _moved(refused: Refused) -> bool:
    return any(problem.code == MOVED for problem in refused.problems)
