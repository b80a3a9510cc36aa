"""Which form a request is about: its entity, its record if there is one, and the form prepared for who asks."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from starlette.requests import Request

from dacheng.metadata.problem import refuse
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.routing import work_of
from dacheng.runtime.web.view.duplicates import compared
from dacheng.runtime.web.view.form import PreparedForm, prepare_form
from dacheng.runtime.web.view.prepared import Prepared
from dacheng.runtime.web.view.setting import setting_of, view_key

_forms: Prepared[PreparedForm] = Prepared(512)


@dataclass(frozen=True, slots=True)
class Place:
    """Which form is open: entity, record (empty for a new one), and the form prepared for this person."""

    work: Work
    ref: str
    id: str
    policy: EntityPolicy
    prepared: PreparedForm
    key: Hashable
    compared: tuple[str, ...]

    @property
    def path(self) -> str:
        """The list's address."""
        return f"/apps/{self.ref.replace('.', '/')}"

    @property
    def back(self) -> str:
        """Where leaving the form leads."""
        return f"{self.path}/{self.id}" if self.id else self.path


def entity_of(request: Request) -> str:
    """The reference of the entity in the address."""
    return f"{request.path_params['app']}.{request.path_params['entity']}"


def place_of(request: Request, action: str) -> Place:
    """The form for an action, `create` or `update`; refused to who may not take it."""
    work, ref = work_of(request), entity_of(request)
    policy = work.entity(ref)
    if policy.entity.parent is not None:
        raise refuse("query.unknown_entity")
    if not policy.may(action):
        raise refuse("access.not_permitted")
    catalogue, setting = work.model.catalogue, setting_of(work)
    form, workflow = catalogue.forms.get(ref), catalogue.workflows.get(ref)
    creating = action == "create"
    key = (*view_key(work), str(setting.zone), ref, form.id if form else "", creating)
    prepared = _forms.get(key, lambda: prepare_form(form, policy, workflow, setting, creating=creating))
    ident = str(request.path_params.get("id", ""))
    return Place(work, ref, ident, policy, prepared, key, compared(work, policy))
