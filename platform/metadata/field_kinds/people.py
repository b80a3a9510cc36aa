"""User and department: links to the people and the tree of the built-in app `core`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.field_kinds.link import LinkCodec
from dacheng.metadata.kinds import FieldKind, Shape, Spec
from dacheng.metadata.system_fields import DEPARTMENT, USER

_ON_DELETE: Mapping[str, Any] = {"properties": {"x-on-delete": {"enum": ["restrict", "clear"]}}}


class User(FieldKind):
    """A link to one person of the workspace."""

    id = "user"
    view = "link"
    shape = Shape.LINK
    schema = _ON_DELETE

    def leads_to(self, spec: Spec) -> str:
        """The people of `core`."""
        return USER

    def bind(self, field_id: str, spec: Spec) -> LinkCodec:
        """The codec of one link to a person."""
        return LinkCodec(spec)


class Department(FieldKind):
    """A link to one department of the workspace."""

    id = "department"
    view = "link"
    shape = Shape.LINK
    schema = _ON_DELETE

    def leads_to(self, spec: Spec) -> str:
        """The departments of `core`."""
        return DEPARTMENT

    def bind(self, field_id: str, spec: Spec) -> LinkCodec:
        """The codec of one link to a department."""
        return LinkCodec(spec)
