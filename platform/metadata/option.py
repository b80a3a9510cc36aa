"""One option of a choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a choice; `tone` is good, watch, risk, info or neutral."""

    id: str
    order: int
    tone: str = "neutral"
    archived: bool = False
    under: frozenset[str] = frozenset()  # options of the choice above under which alone it is offered

    def is_offered(self, above: Sequence[str]) -> bool:
        """Whether it may be chosen where the choice above holds these options."""
        return not self.under or not self.under.isdisjoint(above)
