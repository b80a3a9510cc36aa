"""The one place where text is declared to be HTML: what view closures drew, every value in it escaped."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

NOTHING = Markup()


def drawn(parts: str | Iterable[str]) -> Markup:
    """HTML made by the closures of `web/fields` and `web/view`; never call it with anything else."""
    return Markup(parts if isinstance(parts, str) else "".join(parts))  # noqa: S704
