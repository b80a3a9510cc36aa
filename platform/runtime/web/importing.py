"""What pages and API share about imports: uploaded files, what may be imported, imports running in this process."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from dataclasses import dataclass

from starlette.requests import Request

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import import_records
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.import_drafts import Draft, Drafts
from dacheng.runtime.web.routing import host_of, work_of

log = logging.getLogger("dacheng.web")


@dataclass(slots=True)
class Going:
    """An import this process is at: since when, from which row, and how far."""

    since: float
    first: int = -1
    done: int = 0
    task: asyncio.Task[None] | None = None

    def hear(self, done: int) -> None:
        """The import is this far; the first word of it only says where it began to be counted."""
        self.first = done if self.first < 0 else self.first
        self.done = done

    def pace(self, now: float, total: int) -> tuple[int, int] | None:
        """Rows in a second, and seconds left."""
        rate = (self.done - self.first) / max(now - self.since, 0.001)
        return (round(rate), math.ceil((total - self.done) / rate)) if rate >= 1 else None


def drafts_of(request: Request) -> Drafts:
    """The uploaded files of the workspace this request came to."""
    return Drafts(host_of(request).settings.data)


def source_of(request: Request, draft: Draft) -> Source:
    """The draft's file as the import service takes it."""
    content = drafts_of(request).content(draft)
    return Source(draft.name, content, draft.encoding, draft.delimiter, draft.sheet)


def importable(work: Work) -> tuple[tuple[str, str], ...]:
    """(reference, label) of every entity whose records the person may add."""
    labels, locale = work.model.labels, work.context.locale
    found = [
        (
            ref,
            f"{labels.text(locale, policy.entity.app, 'app')} · {labels.entity(locale, policy.entity, 'plural')}",
        )
        for ref, policy in work.policy.entities.items()
        if policy.entity.parent is None and policy.may("create")
    ]
    return tuple(sorted(found, key=lambda pair: (pair[0].startswith("core."), pair[1])))


def first_importable(work: Work) -> str:
    """The entity that stands first in the navigation of those whose records the person may add; empty without any."""
    known = dict(importable(work))
    apps = sorted(work.model.catalogue.apps.values(), key=lambda app: app.id == "core")
    shown = (
        item.target if "." in item.target else f"{app.id}.{item.target}"
        for app in apps
        for item in app.navigation
        if item.kind == "entity"
    )
    return next((ref for ref in shown if ref in known), next(iter(known), ""))


def carry_through(request: Request, run: str) -> None:
    """Let the import go on in a thread of this process."""
    host, work, going = host_of(request), work_of(request), _going(request)
    begun = Going(time.monotonic())

    def heard(step: str, done: int, total: int) -> None:
        begun.hear(done)

    def carry() -> None:
        try:
            import_records.go_on(host, work, run, heard)
        except Refused as refused:
            log.warning("import %s stopped: %s", run, refused)
        except Exception:
            log.exception("import %s stopped", run)
        finally:
            going.pop(run, None)

    going[run] = begun
    begun.task = asyncio.get_running_loop().create_task(asyncio.to_thread(carry))


def is_going(request: Request, run: str) -> bool:
    """Whether this process is at an import now."""
    return run in _going(request)


def pace(request: Request, run: str, total: int) -> tuple[int, int] | None:
    """Rows in a second and seconds left, as far as this process has seen the import go; None before that."""
    going = _going(request).get(run)
    return None if going is None else going.pace(time.monotonic(), total)


def _going(request: Request) -> dict[str, Going]:
    found: dict[str, Going] = request.app.state.imports
    return found
