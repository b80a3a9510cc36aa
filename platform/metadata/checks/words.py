"""Rules on words: every slot has some, terms exist, nothing spells out a term, placeholders agree across locales."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dacheng.metadata.definition import Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.labels import PLACEHOLDER, TERM, needed_slots
from dacheng.metadata.problem import Problem, problem

_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_HELD_WORD = re.compile(r"\{[^{}]*\}")


def _file(locale: str) -> str:
    return f"labels/{locale}.json"


def _where(slot: str) -> str:
    return f"/labels/{slot}"


def labels_are_complete(package: Package, kinds: Kinds) -> Iterator[Problem]:
    """Every needed slot has words in every locale of the manifest."""
    needed = [slot.key for slot in needed_slots(package, kinds) if not slot.optional]
    for locale in package.manifest["locales"]:
        words = package.labels.get(locale, {})
        for key in needed:
            if not words.get(key, "").strip():
                yield problem("label.missing", _where(key), _file(locale), slot=key, locale=locale)


def labels_have_a_slot(package: Package, kinds: Kinds) -> Iterator[Problem]:
    """No words for a slot that does not exist."""
    known = {slot.key for slot in needed_slots(package, kinds)}
    shorts = {"short" + key.removeprefix("field") for key in known if key.startswith("field:")}
    for locale, words in package.labels.items():
        for key in words:
            free = key.startswith(("message:", "notify:")) or (
                key.startswith("system:") and package.id == "core"
            )
            if key not in known and key not in shorts and not free:
                yield problem("label.no_slot", _where(key), _file(locale), slot=key)


def terms_exist(package: Package, kinds: Kinds) -> Iterator[Problem]:
    """Each `{term:…}` names a term of the locale, and every locale has the same terms."""
    every = {term for terms in package.terms.values() for term in terms}
    for locale, words in package.labels.items():
        terms = package.terms.get(locale, {})
        for key, text in words.items():
            for found in TERM.finditer(text):
                if found[1] not in terms:
                    yield problem("label.no_term", _where(key), _file(locale), term=found[1])
        for term in sorted(every - set(terms)):
            yield problem("label.no_term", "/terms", _file(locale), term=term)


def placeholders(text: str) -> frozenset[str]:
    """The placeholders of a text that are filled when it is shown, terms not counted."""
    found = PLACEHOLDER.findall(text)
    return frozenset(one for one in found if not one.startswith("term:"))


def placeholders_agree(package: Package, kinds: Kinds) -> Iterator[Problem]:
    """The same placeholders in every locale; what looks like a term reference is one."""
    first: dict[str, tuple[str, frozenset[str]]] = {}
    for locale, words in package.labels.items():
        for key, text in words.items():
            if "{term:" in TERM.sub("", text) or text.count("{") != text.count("}"):
                yield problem("label.bad_reference", _where(key), _file(locale), text=text)
            known = first.setdefault(key, (locale, placeholders(text)))
            if placeholders(text) != known[1]:
                yield problem("label.placeholders", _where(key), _file(locale), slot=key, locale=known[0])


def terms_are_not_spelled_out(package: Package, kinds: Kinds) -> Iterator[Problem]:
    """A label that contains the word of a term refers to the term instead.

    Latin words count between word boundaries, CJK words anywhere, except inside a longer word of another term.
    """
    for locale, words in package.labels.items():
        for term, finder, longer in _finders(package.terms.get(locale, {})):
            for key, text in words.items():
                rest = _HELD_WORD.sub("\n", text)
                for other in longer:
                    rest = rest.replace(other, "\n")
                if finder.search(rest):
                    yield problem("label.spells_term", _where(key), _file(locale), text=text, term=term)


def _finders(terms: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, re.Pattern[str], list[str]]]:
    every = {form for forms in terms.values() for form in forms.values() if form}
    for term, forms in terms.items():
        words = sorted({form for form in forms.values() if form}, key=len, reverse=True)
        if words:
            longer = sorted(
                (w for w in every if w not in words and any(o in w for o in words)), key=len, reverse=True
            )
            pattern = "|".join(re.escape(w) if _CJK.search(w) else rf"\b{re.escape(w)}\b" for w in words)
            yield term, re.compile(pattern, re.IGNORECASE), longer


RULES = (labels_are_complete, labels_have_a_slot, terms_exist, placeholders_agree, terms_are_not_spelled_out)


def check_words(package: Package, kinds: Kinds) -> list[Problem]:
    """Every problem with the words of a package that has passed the structure check."""
    return [found for rule in RULES for found in rule(package, kinds)]
