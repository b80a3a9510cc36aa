"""The form that visitors of a link see: the chosen fields in the app's sections, and nothing besides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dacheng.metadata.definition import Form, FormField, Section
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.publications import Publication
from dacheng.runtime.web.view.form import is_wide

REST = "rest"


def visitors_form(declared: Form | None, policy: EntityPolicy, published: Publication) -> Form:
    """The sections of the entity's own form with the chosen fields alone; chosen ones it lacks come last."""
    chosen = [name for name in published.terms.fields if name in policy.readable]
    sections = declared.sections if declared is not None else ()
    kept = [each for section in sections if (each := _with_fields(section, chosen)).fields]
    placed = {one.field for section in kept for one in section.fields}
    rest = tuple(_rest(policy, [name for name in chosen if name not in placed]))
    last = max((section.order for section in kept), default=0) + 1
    if rest:
        kept.append(Section(REST, last, 2, rest))
    ident, layout = (declared.id, declared.layout) if declared is not None else (REST, "page")
    return Form(ident, published.entity, tuple(kept), layout=layout)


def _with_fields(section: Section, chosen: list[str]) -> Section:
    return replace(section, fields=tuple(one for one in section.fields if one.field in chosen))


def _rest(policy: EntityPolicy, names: Iterable[str]) -> Iterable[FormField]:
    for order, name in enumerate(names):
        yield FormField(name, order, span="full" if is_wide(policy.readable[name]) else "half")
