"""Each person's own dashboard: widgets of the apps' dashboards, in their own order; the step before is kept for undo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dacheng.metadata.problem import refuse
from dacheng.runtime.services.saved_views import person_of
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import saved_views
from dacheng.runtime.storage.reader import Reader, Transaction

PLACE = "-my_dashboard"  # no entity is called so
MOST = 24
LONGEST = 130


@dataclass(frozen=True, slots=True)
class Composition:
    """The chosen widgets as `app.dashboard.widget`, and those chosen before the last change."""

    widgets: tuple[str, ...] = ()
    before: tuple[str, ...] | None = None


def read(reader: Reader, work: Work) -> Composition:
    """What this person put together; whether each may be seen is asked by whoever shows it."""
    found = saved_views.choices(reader, person_of(work), PLACE).get("", {})
    before = found.get("before")
    return Composition(tuple(found.get("widgets", ())), None if before is None else tuple(before))


def arrange(tx: Transaction, work: Work, widgets: Sequence[str]) -> None:
    """Put these widgets on the person's dashboard, in this order."""
    chosen = list(dict.fromkeys(widgets))
    if len(chosen) > MOST or any(len(one) > LONGEST for one in chosen):
        raise refuse("query.too_much", "/widgets", what="widgets", count=len(chosen), limit=MOST)
    now = read(tx, work)
    if tuple(chosen) != now.widgets:
        choice = {"widgets": chosen, "before": list(now.widgets)}
        saved_views.choose(tx, person_of(work), PLACE, "", choice)


def undo(tx: Transaction, work: Work) -> None:
    """Take the last change back; done twice, it is there again."""
    now = read(tx, work)
    if now.before is not None:
        arrange(tx, work, now.before)


def moved(widgets: Sequence[str], widget: str, by: int) -> tuple[str, ...]:
    """The order with one widget some places further on; at an end it stays."""
    order = list(widgets)
    if widget not in order:
        return tuple(order)
    at = order.index(widget)
    to = min(max(at + by, 0), len(order) - 1)
    order.insert(to, order.pop(at))
    return tuple(order)
