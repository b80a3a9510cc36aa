"""Problem codes and interface words: both languages, the same places, no code that is not there."""

import ast
import re
from collections.abc import Mapping
from string import Formatter

from dacheng.metadata.problem import catalogue as problem_codes
from dacheng.runtime.web.words import LOCALES
from dacheng.runtime.web.words import catalogue as interface_words
from tests.support.source import PLATFORM, modules

CATEGORIES = {
    "malformed", "unauthenticated", "forbidden", "missing", "conflict", "precondition",
    "too_large", "invalid", "limited", "unavailable", "full",
}  # fmt: skip
CODE = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")
WORD_IN_TEMPLATE = re.compile(r"\b(?:words|say|t)\(\s*[\"']([a-z0-9_.]+)[\"']\s*[,)]")
WORD_CALLEES = {"words", "say", "t"}
HALF_WIDTH = re.compile(r"[一-鿿][,.;:!?](\s|$)")
EXAMPLE = re.compile(r"\{\{.*?\}\}")  # JSON shown inside a sentence
UNSPACED = re.compile(r"[一-鿿][A-Za-z0-9]|[A-Za-z0-9][一-鿿]")


def forms(text: str | Mapping[str, str]) -> dict[str, str]:
    return {"": text} if isinstance(text, str) else dict(text)


def holes(text: str | Mapping[str, str]) -> set[str]:
    """The names to fill in; for a text with plural forms, those of all its forms."""
    return {name for form in forms(text).values() for _, name, _, _ in Formatter().parse(form) if name}


def both_languages(texts: Mapping[str, str | Mapping[str, str]]) -> bool:
    """Both locales, same places; `count` may stand in some plural forms only: it chooses the form."""
    chosen = {"count"} if any(len(forms(text)) > 1 for text in texts.values()) else set()
    return set(texts) == set(LOCALES) and len({frozenset(holes(t) - chosen) for t in texts.values()}) == 1


def test_every_problem_code_speaks_both_languages_with_the_same_places() -> None:
    wrong = [
        code.id
        for code in problem_codes().values()
        if not both_languages(code.message) or (code.hint and not both_languages(code.hint))
    ]
    assert wrong == []


def test_every_problem_code_has_a_known_category_and_a_dotted_name() -> None:
    codes = problem_codes().values()
    assert [c.id for c in codes if c.category not in CATEGORIES or not CODE.match(c.id)] == []


def test_every_problem_code_used_stands_in_the_catalogue_with_its_places() -> None:
    wrong = []
    for module in modules():
        for name, call in module.calls():
            code = first_text(call) if name in {"problem", "refuse"} else None
            if code is None:
                continue
            known = problem_codes().get(code)
            if known is None or not holes(known.message["en"]) <= given(call):
                wrong.append(f"{module.place}:{call.lineno} {code}")
    assert wrong == []


def test_every_style_sheet_is_on_every_page() -> None:
    web = PLATFORM / "runtime" / "web"
    document = (web / "templates" / "document.html").read_text("utf-8")
    for sheet in (web / "static" / "css").glob("*.css"):
        assert f'"{sheet.stem}"' in document, sheet.name


def test_every_interface_word_speaks_both_languages_with_the_same_places() -> None:
    assert [key for key, texts in interface_words().items() if not both_languages(texts)] == []


def test_every_interface_word_used_stands_in_the_catalogue() -> None:
    used: set[tuple[str, str]] = set()
    for module in modules():
        if module.name.startswith("dacheng.runtime.web"):
            calls = [call for name, call in module.calls() if name in WORD_CALLEES]
            used |= {(module.place, key) for key in map(first_text, calls) if key and "." in key}
    for template in PLATFORM.rglob("templates/**/*.html"):
        found = WORD_IN_TEMPLATE.findall(template.read_text("utf-8"))
        used |= {(template.name, key) for key in found}
    assert sorted(use for use in used if use[1] not in interface_words()) == []


def test_chinese_is_set_as_chinese() -> None:
    texts: list[Mapping[str, str | Mapping[str, str]]] = list(interface_words().values())
    for code in problem_codes().values():
        texts += [code.message, code.hint]
    chinese = [form for t in texts if "zh-CN" in t for form in forms(t["zh-CN"]).values()]
    prose = [EXAMPLE.sub("", text) for text in chinese]
    assert [text for text in prose if HALF_WIDTH.search(text) or UNSPACED.search(text)] == []


def first_text(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def given(call: ast.Call) -> set[str]:
    """The names passed by keyword; everything, when a mapping is spread into the call."""
    names = {keyword.arg for keyword in call.keywords}
    return {name for name in names if name} if None not in names else AnyName()


class AnyName(set[str]):
    """The set that holds every name."""

    def __ge__(self, other: object) -> bool:
        return True
