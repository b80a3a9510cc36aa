"""What a form consists of: places of fields in titled parts, where its links lead, and how it stands at a moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from types import MappingProxyType

from dacheng.metadata.definition import Field, FormField
from dacheng.runtime.web.fields.base import NO_CHOICES, Choices, FieldView, Texts


@dataclass(frozen=True, slots=True)
class FormMarks:
    """How the form stands now: hidden, required and readonly fields, problems by input name, link choices."""

    hidden: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    readonly: frozenset[str] = frozenset()
    problems: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    choices: Mapping[str, Choices] = field(default_factory=lambda: NO_CHOICES)

    @property
    def marked(self) -> Set[str]:
        """The fields that anything is marked at."""
        return self.hidden | self.required | self.readonly | self.problems.keys()


Draw = Callable[[Texts, FormMarks], str]
Calm = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Place:
    """One field on the form: its definition, view, words, whether people may set it, and its HTML."""

    field: Field
    view: FieldView
    label: str
    writable: bool
    rules: FormField
    draw: Draw
    calm: Calm | None  # quicker, for a field with nothing to mark
    as_text: bool  # its one input holds the value as text


@dataclass(frozen=True, slots=True)
class Part:
    """A titled group of places in `columns` columns."""

    id: str
    title: str
    columns: int
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Links:
    """Where links lead: the entities to choose from, (input, entity), and (lines, column, entity)."""

    targets: tuple[str, ...]
    own: tuple[tuple[str, str], ...]
    of_lines: tuple[tuple[str, str, str], ...]
