"""What pages and API share about imports: uploaded files, what may be imported, imports running in this process."""

from __future__ import annotations

import asyncio
import logging

from starlette.requests import Request

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import import_records
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.import_drafts import Draft, Drafts
from dacheng.runtime.web.routing import host_of, work_of

log = logging.getLogger("dacheng.web")


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


def carry_through(request: Request, run: str) -> None:
    """Let the import go on in a thread of this process."""
    host, work, going = host_of(request), work_of(request), _going(request)

    def carry() -> None:
        try:
            import_records.go_on(host, work, run)
        except Refused as refused:
            log.warning("import %s stopped: %s", run, refused)
        except Exception:
            log.exception("import %s stopped", run)
        finally:
            going.pop(run, None)

    going[run] = asyncio.get_running_loop().create_task(asyncio.to_thread(carry))


def is_going(request: Request, run: str) -> bool:
    """Whether this process is at an import now."""
    return run in _going(request)


def _going(request: Request) -> dict[str, asyncio.Task[None]]:
    found: dict[str, asyncio.Task[None]] = request.app.state.imports
    return found
