"""Apps come and go by plan → snapshot → one transaction → swap; whatever happens, wholly before or wholly after."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from dacheng.metadata.archive import write_archive
from dacheng.metadata.definition import Catalogue, CompiledApp, Layer, Package
from dacheng.metadata.diff import Change, diff
from dacheng.metadata.layers import Outcome, merge
from dacheng.metadata.lint import is_warning, lint, lint_layers
from dacheng.metadata.package import read_folder, to_files
from dacheng.metadata.problem import Problem, Refused, problem, refuse
from dacheng.metadata.system_fields import CORE
from dacheng.plugins.context import Cause, System
from dacheng.runtime.bundled import bundled_packages
from dacheng.runtime.services import keep_snapshot, plugin_tables, seed_data
from dacheng.runtime.services import work as frames
from dacheng.runtime.services.load_catalogue import App, Loader
from dacheng.runtime.services.preview_retype import RetypePreview, preview_retypes
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.users import demand_administrator
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import fault, packages, schema_change, versions
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.packages import Asset, InstalledPackage
from dacheng.runtime.storage.reader import Transaction
from dacheng.runtime.storage.schema_change import Journal

BUNDLED = "bundled"
ATTEMPTS = 3
NO_PEOPLE = (f"{CORE}.user",)
Progress = Callable[[str, int, int], None]
EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A package that could be installed, and who vouches for it: `bundled`, or a signing key in hexadecimal."""

    package: Package
    publisher: str = BUNDLED


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """What installing would do: `replaces` is the installed version; with `problems` it cannot be done.

    `permissions` are what the app's automation asks for, `records` and `sample` counts by entity,
    `outcomes` what becomes of edits made in the workspace, `retypes` what becomes of values whose field changes kind.
    """

    app: str
    version: str
    replaces: str | None
    changes: tuple[Change, ...] = ()
    permissions: Mapping[str, Sequence[str]] = field(default_factory=lambda: EMPTY)
    records: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    sample: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    outcomes: tuple[Outcome, ...] = ()
    retypes: tuple[RetypePreview, ...] = ()
    warnings: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Installed:
    """What was installed, and how many records came with it."""

    app: str
    version: str
    records: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Step:
    """A planned change of what is installed."""

    plan: InstallPlan
    candidate: Candidate | None
    before: Model
    after: Model
    layers: tuple[Layer, ...]


def silent(step: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def plan_install(site: Site, candidate: Candidate) -> InstallPlan:
    """What installing this package would do now; changes nothing, and never raises for what is wrong with it."""
    try:
        return _plan(site, candidate).plan
    except Refused as refused:
        package = candidate.package
        return InstallPlan(package.id, package.version, None, problems=refused.problems)


def install(
    site: Site,
    work: Work,
    candidate: Candidate,
    *,
    sample: bool = True,
    progress: Progress = silent,
) -> Installed:
    """Install or upgrade; raises `Refused` with every problem, and then nothing has changed.

    Crash points: `install.planned`, `.snapshot`, `.catalogue`, `.data`, `.committed`, and `schema.*`.
    """
    demand_administrator(work)
    for attempt in range(ATTEMPTS):
        progress("plan", attempt and 0, 4)
        step = _plan(site, candidate)
        if step.plan.problems:
            raise Refused(step.plan.problems)
        try:
            made = _carry_out(site, work, step, sample=sample, progress=progress)
        except Refused as refused:
            if attempt + 1 == ATTEMPTS or not _moved(refused):
                raise
        else:
            site.plugins.after_publish(work.context, step.plan.app, step.plan.version)
            return Installed(step.plan.app, step.plan.version, made)
    raise refuse("install.moved")


def install_core(site: Site) -> None:
    """Put the app every workspace needs into a new one."""
    package = read_folder(bundled_packages() / "apps" / CORE, site.kinds)
    install(site, site.work(), Candidate(package))


def uninstall(site: Site, work: Work, app: str, *, progress: Progress = silent) -> None:
    """Take an app out. Its tables are archived, not dropped; its layers wait in case it comes back."""
    demand_administrator(work)
    if app == CORE:
        raise refuse("install.core_stays")
    for attempt in range(ATTEMPTS):
        progress("plan", 0, 4)
        step = _plan_removal(site, app)
        try:
            _carry_out(site, work, step, sample=False, progress=progress)
        except Refused as refused:
            if attempt + 1 == ATTEMPTS or not _moved(refused):
                raise
        else:
            site.plugins.after_publish(work.context, app, "")
            return


# ---------------------------------------------------------------- planning
def _plan(site: Site, candidate: Candidate) -> _Step:
    loader = Loader(site.kinds)
    before, apps = _now(site, loader)
    package = candidate.package
    old = next((each for each in apps if each.base.id == package.id), None)
    others = {each.base.id: each.base for each in apps if each.base.id != package.id}
    found = lint(package, site.kinds, others)
    problems = [each for each in found if not is_warning(each)]
    problems += _trust(site, candidate, old)
    replaces = old.base.version if old is not None else None
    if problems:
        return _refused(candidate, before, replaces, problems)
    layers, outcomes = _moved_layers(site, old, package)
    fresh = loader.fold(package, layers)
    found += lint_layers(found, layers, fresh.folded.package, site.kinds, others)
    problems = [each for each in found if not is_warning(each)]
    if problems:
        return _refused(candidate, before, replaces, problems)
    rest = [each for each in apps if each.base.id != package.id]
    after = loader.build([*rest, fresh], before.versions)
    app = after.catalogue.apps[package.id]
    plan = InstallPlan(
        package.id,
        package.version,
        replaces,
        diff(before.catalogue, after.catalogue),
        MappingProxyType(dict(package.manifest.get("permissions", {}))),
        MappingProxyType(seed_data.count_records(app, sample=False)),
        MappingProxyType(seed_data.count_records(app, sample=True)),
        outcomes,
        preview_retypes(site, before, after),
        tuple(each for each in found if is_warning(each)),
    )
    return _Step(plan, candidate, before, after, layers)


def _refused(candidate: Candidate, before: Model, replaces: str | None, problems: Sequence[Problem]) -> _Step:
    package = candidate.package
    plan = InstallPlan(package.id, package.version, replaces, problems=tuple(problems))
    return _Step(plan, candidate, before, before, ())


def _plan_removal(site: Site, app: str) -> _Step:
    loader = Loader(site.kinds)
    before, apps = _now(site, loader)
    found = next((each for each in apps if each.base.id == app), None)
    if found is None:
        raise refuse("install.not_installed", app=app)
    needing = [each.base.id for each in apps if app in each.base.manifest.get("requires", {})]
    if needing:
        raise refuse("install.required_by", app=app, others=", ".join(needing))
    rest = [each for each in apps if each.base.id != app]
    after = loader.build(rest, before.versions)
    plan = InstallPlan(app, "", found.base.version, diff(before.catalogue, after.catalogue))
    return _Step(plan, None, before, after, ())


def _now(site: Site, loader: Loader) -> tuple[Model, tuple[App, ...]]:
    """The model and the apps of one snapshot, whatever the site has loaded."""

    def read(reader: Any) -> tuple[Model, tuple[App, ...]]:
        apps = loader.apps(reader)
        return loader.build(apps, versions.read_versions(reader)), apps

    return site.db.read_now(read)


def _trust(site: Site, candidate: Candidate, old: App | None) -> list[Problem]:
    """Versions only go up, the publisher stays the same, and no package brings people or power."""
    package = candidate.package
    problems: list[Problem] = []
    if old is not None and _number(package.version) < _number(old.base.version):
        installed = old.base.version
        problems.append(
            problem(
                "install.older",
                "/version",
                "app.json",
                app=package.id,
                version=package.version,
                installed=installed,
            )
        )
    if old is not None and _publisher(site, package.id) != candidate.publisher:
        problems.append(problem("install.other_publisher", app=package.id))
    for (kind, item), body in package.items.items():
        brings = (kind == "data" and body.get("entity") in NO_PEOPLE) or (
            kind == "role" and body.get("admin") and package.id != CORE
        )
        if brings:
            problems.append(problem("install.people", file=f"{kind}/{item}.json"))
    return problems


def _publisher(site: Site, app: str) -> str:
    rows = site.db.read_now(packages.installed)
    return next((each.publisher for each in rows if each.id == app), "")


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _moved_layers(
    site: Site, old: App | None, package: Package
) -> tuple[tuple[Layer, ...], tuple[Outcome, ...]]:
    """The app's layers carried over to the new base; those of an app that comes back apply as they were."""
    if old is None:
        return site.db.read_now(partial(packages.layers_of, app=package.id)), ()
    merges = [merge(old.base, package, layer, site.kinds) for layer in old.layers]
    return tuple(each.layer for each in merges), tuple(o for each in merges for o in each.outcomes)


# ---------------------------------------------------------------- carrying out
def _carry_out(site: Site, work: Work, step: _Step, *, sample: bool, progress: Progress) -> Mapping[str, int]:
    fault.point("install.planned")
    progress("snapshot", 1, 4)
    if step.before.catalogue.apps:
        _snapshot(site, work, step)
    fault.point("install.snapshot")
    now = milliseconds(work.context.now)

    def settle(tx: Transaction) -> Mapping[str, int]:
        versions.demand(tx, step.before.versions, labels=True, alone=True)
        progress("tables", 2, 4)
        cause = f"{'install' if step.candidate else 'uninstall'} {step.plan.app} {step.plan.version}"
        journal = Journal(cause, now, work.context.zone)
        schema_change.apply(tx, step.plan.changes, step.before.tables, step.after.tables, journal)
        if step.candidate is not None:
            plugin_tables.install(tx, site.plugins, (step.plan.app,), journal)
        _put(tx, step, work, now)
        versions.bump(tx, "definitions")
        versions.bump(tx, "labels")
        fault.point("install.catalogue")
        if step.candidate is None:
            return EMPTY
        own = _frame(site, tx, step)
        app = step.after.catalogue.apps[step.plan.app]
        made = seed_data.plant(tx, own, app, sample=sample, progress=progress)
        fault.point("install.data")
        return made

    made = site.db.write_now(settle)
    fault.point("install.committed")
    progress("swap", 3, 4)
    site.refresh()
    progress("done", 4, 4)
    return made


def _put(tx: Transaction, step: _Step, work: Work, now: int) -> None:
    if step.candidate is None:
        packages.remove_package(tx, step.plan.app)
        return
    package = step.candidate.package
    new = InstalledPackage(
        package.id,
        package.version,
        package.hash,
        write_archive(to_files(package)),
        step.candidate.publisher,
        now,
    )
    assets = [
        Asset(name, hashlib.sha256(content).hexdigest(), content) for name, content in package.assets.items()
    ]
    packages.put_package(tx, new, work.context.actor.id, assets)
    for layer in step.layers:
        packages.put_layer(tx, layer, now)


def _frame(site: Site, tx: Transaction, step: _Step) -> Work:
    """The product itself at work on the model that this transaction makes true."""
    base = site.work(System(), cause=Cause("install", f"{step.plan.app}:{step.plan.version}"))
    model = replace(step.after, versions=versions.read_versions(tx))
    context = replace(base.context, catalogue=model.catalogue, labels=model.labels)
    return frames.work_for(context, model, site.kinds, site.plugins)


def _snapshot(site: Site, work: Work, step: _Step) -> None:
    keep_snapshot.before(site, f"{step.plan.app}-{step.plan.version or 'removal'}", work.context.now)


def _moved(refused: Refused) -> bool:
    return any(each.code == "storage.version_moved" for each in refused.problems)


def app_of(catalogue: Catalogue, app: str) -> CompiledApp:
    """An installed app, or `install.not_installed`."""
    found = catalogue.apps.get(app)
    if found is None:
        raise refuse("install.not_installed", app=app)
    return found
