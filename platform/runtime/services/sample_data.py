"""Sample data from beginning to end: an app comes with it or gets it later; removing it is `remove_sample`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from dacheng.metadata.definition import CompiledApp
from dacheng.runtime.services import install_app, play_scenario
from dacheng.runtime.services.install_app import Candidate, Installed
from dacheng.runtime.services.play_scenario import Played
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work

Progress = Callable[[str, int, int], None]
SHORT = 9  # bytes of a password made for somebody of the story


def is_played(candidate: Candidate) -> bool:
    """Whether a package's sample data is a firm that is played, and no plain records."""
    return any(kind == "scenario" for kind, _ in candidate.package.items)


def install(
    site: Site,
    work: Work,
    candidate: Candidate,
    *,
    sample: bool = True,
    progress: Progress = install_app.silent,
) -> Installed:
    """Install or upgrade an app; with `sample`, its firm is played behind it, or its sample records come along.

    The app stays installed when its sample data is refused (`sample.refused`).
    """
    played = is_played(candidate)
    done = install_app.install(site, work, candidate, sample=sample and not played, progress=progress)
    if not sample or not played:
        return done
    records = dict(done.records)
    for each in bring(site, work, done.app, progress=progress):
        for ref, count in each.records.items():
            records[ref] = records.get(ref, 0) + count
    return replace(done, records=MappingProxyType(records))


def bring(
    site: Site,
    work: Work,
    app: str,
    *,
    progress: Progress = install_app.silent,
    scale: float = 1.0,
    passwords: Mapping[str, str] = play_scenario.NOBODY,
) -> tuple[Played, ...]:
    """Play every scenario of an installed app that is not there yet; `passwords` by address let its people sign in."""
    catalogue = site.refresh().catalogue
    found = []
    for name in play_scenario.scenarios_of(catalogue, app):
        people = catalogue.apps[app].scenarios[name].get("people", {})
        known = {
            key: passwords[body["email"]] for key, body in people.items() if body.get("email") in passwords
        }
        found.append(
            play_scenario.play(site, work, app, name, progress=progress, scale=scale, passwords=known)
        )
    return tuple(found)


def sign_ins(app: CompiledApp) -> dict[str, str]:
    """A new password for each address of the app's scenarios that is meant to sign in."""
    return {
        body["email"]: secrets.token_urlsafe(SHORT)
        for scenario in app.scenarios.values()
        for body in scenario.get("people", {}).values()
        if body.get("signs_in") and "email" in body
    }
