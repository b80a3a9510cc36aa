"""What can be wrong, in stable codes: one catalogue, one shape, both languages side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from types import MappingProxyType

DEFAULT_LOCALE = "en"


@dataclass(frozen=True, slots=True)
class Code:
    """One catalogue entry: `category` decides the HTTP status, texts are per locale."""

    id: str
    category: str
    message: Mapping[str, str]
    hint: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (file, JSON pointer), what, and what to do about it."""

    code: str
    pointer: str = ""
    file: str = ""
    params: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def message(self) -> str:
        """The English sentence; people see `message_in` with their own locale."""
        return self.message_in(DEFAULT_LOCALE)

    @property
    def hint(self) -> str:
        """What to do, in English; empty when the message already says it."""
        return self.hint_in(DEFAULT_LOCALE)

    def message_in(self, locale: str) -> str:
        """What happened, as a sentence in `locale` (English when it has none)."""
        return _fill(catalogue()[self.code].message, locale, self.params)

    def hint_in(self, locale: str) -> str:
        """What to do, as a sentence in `locale`."""
        return _fill(catalogue()[self.code].hint, locale, self.params)

    def at(self, prefix: str, file: str | None = None) -> Problem:
        """The same problem seen from outside: its pointer below `prefix`."""
        return replace(self, pointer=prefix + self.pointer, file=self.file if file is None else file)


class Refused(Exception):
    """Raised when input is not accepted; carries every problem found, and nothing was changed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.file}{p.pointer}: {p.message}" for p in self.problems))

    @property
    def category(self) -> str:
        """The category of the first problem: it names the kind of refusal."""
        return catalogue()[self.problems[0].code].category if self.problems else "invalid"


def problem(code: str, pointer: str = "", file: str = "", **params: object) -> Problem:
    """Make a problem of a code that stands in the catalogue; an unknown code is a KeyError."""
    catalogue()[code]
    return Problem(code, pointer, file, MappingProxyType(params))


def refuse(code: str, pointer: str = "", file: str = "", **params: object) -> Refused:
    """`raise refuse("record.unknown_field", …)`: a refusal with a single problem."""
    return Refused([problem(code, pointer, file, **params)])


def pointer_to(*steps: object) -> str:
    """The JSON pointer (RFC 6901) of a place named by keys and indexes, whatever signs the keys hold."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


@cache
def catalogue() -> Mapping[str, Code]:
    """Every code of the product, read once from `problems/*.json` beside this module."""
    codes: dict[str, Code] = {}
    for entry in sorted(resources.files(__package__).joinpath("problems").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".json"):
            for code, body in json.loads(entry.read_text(encoding="utf-8")).items():
                codes[code] = Code(code, body["category"], body["message"], body.get("hint", {}))
    return MappingProxyType(codes)


def _fill(texts: Mapping[str, str], locale: str, params: Mapping[str, object]) -> str:
    template = texts.get(locale) or texts.get(DEFAULT_LOCALE, "")
    return template.format_map({key: _short(value, locale) for key, value in params.items()})


def _short(value: object, locale: str) -> str:
    """A value inside a sentence; one that is itself a sentence by locale is said in the right one."""
    if isinstance(value, Mapping):
        return str(value.get(locale) or value.get(DEFAULT_LOCALE, ""))[:500]
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "…"
