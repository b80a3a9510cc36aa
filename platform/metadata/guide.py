"""Guided starts: steps from an empty workspace to one's own figures, each with what shows that it is done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GuideStep:
    """One step of a guided start: by which `day` it is meant to be done, what shows that it is, where one does it.

    `condition` is records (at least `count` own ones of the entity `target`), people (who may sign in), labels (edited
    here), imports, no_sample (the app's sample data is gone) or dashboard (own records stand behind each figure of
    `target`). `leads` says where: entity, dashboard, list or page, and which.
    """

    id: str
    day: int
    condition: str
    target: str
    count: int
    leads: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Guide:
    """A guided start: steps in the order of their days."""

    id: str
    app: str
    days: int
    steps: tuple[GuideStep, ...]
