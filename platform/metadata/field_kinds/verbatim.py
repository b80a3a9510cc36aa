"""What text, choices, links and every other kind kept as plain text have in common: the value is stored as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dacheng.metadata.kinds import Json


class Verbatim:
    """The part of a codec whose typed value, JSON, stored value and operand are one and the same `str`."""

    def store(self, value: str | None) -> tuple[Any, ...]:
        """As it is."""
        return (value,)

    def load(self, stored: Sequence[Any]) -> str | None:
        """As it is."""
        return stored[0]  # type: ignore[no-any-return]

    def json(self, value: str | None) -> Json:
        """As it is."""
        return value

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """As it is."""
        return stored[0]

    def text(self, value: str | None) -> str:
        """As it is (of options and links people are shown words instead); empty when missing."""
        return value or ""

    def operand(self, value: str | None) -> Any:
        """As it is."""
        return value
