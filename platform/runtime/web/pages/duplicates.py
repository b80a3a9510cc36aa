"""What is there already, asked while a form is filled in: a fragment for the form, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import duplicates
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Setting
from dacheng.runtime.web.page import Page
from dacheng.runtime.web.render import render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of
from dacheng.runtime.web.view.duplicates import DuplicateShown, compared, compared_texts, shown
from dacheng.runtime.web.view.setting import setting_of

OWN = "_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicatesPage(Page):
    """The panel: what was found, and whether a form may be saved all the same."""

    found: tuple[DuplicateShown, ...]
    despite: bool


async def look(request: Request) -> Response:
    """The panel for what the form's inputs hold, given in the address; `_id` is the record being edited."""
    work = work_of(request)
    ref = f"{request.path_params['app']}.{request.path_params['entity']}"
    policy, setting = work.entity(ref), setting_of(work)
    texts = {name: value[:2000] for name, value in request.query_params.items()}
    values = typed(work, policy, setting, texts)
    own = texts.get(OWN, "")[:40]
    found = await host_of(request).db.read(lambda reader: duplicates.find(reader, work, ref, values, own))
    asked = {} if own else compared_texts(compared(work, policy), texts)
    page = DuplicatesPage(title="", found=shown(found, policy, setting, asked), despite=own == "")
    return render(request, "duplicates.html", page)


def typed(work: Work, policy: EntityPolicy, setting: Setting, texts: Mapping[str, str]) -> dict[str, Any]:
    """The values to compare by, as far as what was typed is one yet."""
    values: dict[str, Any] = {}
    for name in compared(work, policy):
        field = policy.readable[name]
        with suppress(Refused):
            values[name] = field.codec.parse(view_of(field).read(field, setting, name, texts))
    return values


ROUTES = (Route("/apps/{app}/{entity}/duplicates", look, SIGNED_IN, per_minute=600),)
