"""Is everything in order: the database, its schema, what is derived, and what is installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dacheng.metadata.lint import is_warning, lint
from dacheng.metadata.problem import Problem, Refused
from dacheng.runtime.services import file_care
from dacheng.runtime.services.load_catalogue import Loader
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
from dacheng.runtime.storage import checks, projections
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.versions import read_versions

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Findings:
    """The checks made, and everything that is wrong."""

    checks: tuple[str, ...]
    problems: tuple[Problem, ...]


def examine(site: Site, progress: Progress) -> Findings:
    """Run every check in one snapshot; changes nothing."""
    steps: tuple[tuple[str, Callable[[Reader], tuple[Problem, ...]]], ...] = (
        ("packages", lambda reader: _packages(site, reader)),
        ("catalogue", lambda reader: _catalogue(site, reader)),
        ("storage", lambda reader: (*checks.check_all(reader, site.model()), *projections.verify(reader))),
        ("files", lambda reader: tuple(file_care.examine(site, reader))),
    )
    problems: list[Problem] = []
    for number, (name, check) in enumerate(steps):
        progress(name, number, len(steps))
        problems.extend(site.db.read_through(check))
    progress("done", len(steps), len(steps))
    return Findings(tuple(name for name, _ in steps), tuple(problems))


def repair(site: Site) -> None:
    """Add missing indexes, compute roll-ups, search and reference entries anew, in one transaction; records stay
    as they are. Then take away files that were uploaded more than a day ago and never came into a record."""
    model = site.model()
    now_ms = milliseconds(site.work().context.now)

    def renew(tx: Transaction) -> None:
        checks.repair(tx, model, now_ms)

    site.db.write_now(renew, urgent=False)
    file_care.sweep(site)


def _packages(site: Site, reader: Reader) -> tuple[Problem, ...]:
    """Every installed package can be read and passes lint; the layers on it apply, and nothing rests."""
    loader = Loader(site.kinds)
    try:
        apps = loader.apps(reader)
        loader.build(apps, read_versions(reader))
    except Refused as refused:
        return refused.problems
    resting = {each.app for each in loader.parked}
    bases = {each.base.id: each.base for each in apps}
    found: list[Problem] = [each.problem() for each in loader.parked]
    for each in apps:
        others = {name: base for name, base in bases.items() if name != each.base.id}
        if each.base.id not in resting:
            found += [one for one in lint(each.base, site.kinds, others) if not is_warning(one)]
    return tuple(found)


def _catalogue(site: Site, reader: Reader) -> tuple[Problem, ...]:
    """What is installed compiles together with its layers."""
    loader = Loader(site.kinds)
    try:
        loader.build(loader.apps(reader), read_versions(reader))
    except Refused as refused:
        return refused.problems
    return ()
