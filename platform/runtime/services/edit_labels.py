"""Words of the workspace: one edit of a term or a text, live in every process at its next request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dacheng.metadata.definition import Layer, LayerOperation, Package
from dacheng.metadata.field_kinds.text import clean_text
from dacheng.metadata.labels import TERM, Terms, needed_slots
from dacheng.metadata.layers import current_value
from dacheng.metadata.problem import refuse
from dacheng.runtime.services.load_catalogue import App, Loader
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.users import demand_administrator
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import packages, versions
from dacheng.runtime.storage.reader import Transaction

WORKSPACE = "workspace"


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One text: how it reads now, how it is written (with its terms), who wrote it, and the base's wording."""

    slot: str
    text: str
    source: str
    owner: str
    base: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TermRow:
    """One term: its forms now, the package's forms, who wrote it, and the texts that use it."""

    term: str
    forms: Mapping[str, str]
    base: Mapping[str, str]
    owner: str
    used_in: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelPage:
    """All words of one app in one locale; `coverage` is the share of needed texts that has words, 0 to 1."""

    app: str
    locale: str
    locales: tuple[str, ...]
    labels: tuple[LabelRow, ...]
    terms: tuple[TermRow, ...]
    coverage: float


def list_labels(site: Site, work: Work, app: str, locale: str) -> LabelPage:
    """Every text and term of an app in one of its languages, with where each comes from."""
    demand_administrator(work)
    found = _app(site, app)
    package = found.folded.package
    locales = _demand_locale(package, locale)
    rows = _label_rows(site, found, locale)
    terms = tuple(_term_row(found, locale, term, rows) for term in sorted(package.terms.get(locale, {})))
    coverage = site.model().labels.coverage(locale, app).ratio
    return LabelPage(app, locale, locales, rows, terms, coverage)


def set_term(site: Site, work: Work, app: str, locale: str, term: str, forms: Mapping[str, str]) -> int:
    """Call a term something else: `forms` maps `one` (and `plural`) to words. Answers how many texts use it.

    A plural that is not given follows `one`, so that no sentence keeps the old word.
    """
    found = _app(site, app)
    _demand_term(found, locale, term)
    known = found.folded.package.terms[locale][term]
    given = {name: clean_text(text).strip() for name, text in forms.items() if name in ("one", "plural")}
    if "one" in given and "plural" not in given and "plural" in known:
        given["plural"] = given["one"]
    operations = [LayerOperation("term", "", "", (locale, term, name), text) for name, text in given.items()]
    _edit(site, work, app, lambda layer, base: _with(layer, operations, base))
    return _uses(site, app, locale, term)


def reset_term(site: Site, work: Work, app: str, locale: str, term: str) -> int:
    """Give a term the package's words back."""
    _demand_term(_app(site, app), locale, term)
    _edit(site, work, app, lambda layer, base: _without(layer, "term", (locale, term)))
    return _uses(site, app, locale, term)


def set_label(site: Site, work: Work, app: str, locale: str, slot: str, text: str) -> None:
    """Word one text differently; terms in it are written `{term:…}`, other placeholders must stay."""
    found = _app(site, app)
    _demand_locale(found.folded.package, locale)
    if slot not in _slots(site, found.folded.package, locale):
        raise refuse("label.unknown_slot", "/slot", slot=slot)
    _demand_references(clean_text(text), found.folded.package.terms.get(locale, {}))
    operation = LayerOperation("label", "", "", (locale, slot), text.strip())
    _edit(site, work, app, lambda layer, base: _with(layer, [operation], base))


def reset_label(site: Site, work: Work, app: str, locale: str, slot: str) -> None:
    """Give one text the package's wording back."""
    _edit(site, work, app, lambda layer, base: _without(layer, "label", (locale, slot)))


# ---------------------------------------------------------------- reading
def _app(site: Site, app: str) -> App:
    loader = Loader(site.kinds)
    apps = site.db.read_now(loader.apps)
    found = next((each for each in apps if each.base.id == app), None)
    if found is None:
        raise refuse("label.unknown_app", app=app)
    return found


def _demand_locale(package: Package, locale: str) -> tuple[str, ...]:
    """The app's languages, when `locale` is one of them."""
    locales = tuple(dict.fromkeys([*package.manifest["locales"], *package.labels]))
    if locale not in locales:
        raise refuse("label.unknown_locale", "/locale", locale=locale, known=", ".join(locales))
    return locales


def _slots(site: Site, package: Package, locale: str) -> dict[str, None]:
    """Every text the app needs or has, in the order of its items."""
    needed = (slot.key for slot in needed_slots(package, site.kinds))
    return dict.fromkeys([*needed, *package.labels.get(locale, {})])


def _label_rows(site: Site, found: App, locale: str) -> tuple[LabelRow, ...]:
    package = found.folded.package
    labels = site.model().labels
    written = package.labels.get(locale, {})
    base = found.base.labels.get(locale, {})
    return tuple(
        LabelRow(
            slot,
            labels.text(locale, package.id, slot),
            written.get(slot, ""),
            found.folded.owner_of("label", "", (locale, slot)),
            base.get(slot, ""),
            tuple(dict.fromkeys(match[1] for match in TERM.finditer(written.get(slot, "")))),
        )
        for slot in _slots(site, package, locale)
    )


def _term_row(found: App, locale: str, term: str, rows: tuple[LabelRow, ...]) -> TermRow:
    folded = found.folded
    owners = {folded.owner_of("term", "", (locale, term, form)) for form in ("one", "plural")}
    owners.discard(folded.package.id)
    return TermRow(
        term,
        folded.package.terms[locale][term],
        found.base.terms.get(locale, {}).get(term, {}),
        owners.pop() if owners else folded.package.id,
        tuple(row.slot for row in rows if term in row.terms),
    )


def _demand_term(found: App, locale: str, term: str) -> None:
    known = found.folded.package.terms.get(locale, {})
    if term not in known:
        raise refuse("label.unknown_term", "/term", term=term, known=", ".join(sorted(known)))


def _uses(site: Site, app: str, locale: str, term: str) -> int:
    package = _app(site, app).folded.package
    texts = package.labels.get(locale, {}).values()
    return sum(1 for text in texts if any(match[1] == term for match in TERM.finditer(text)))


# ---------------------------------------------------------------- writing
def _edit(site: Site, work: Work, app: str, change: Callable[[Layer, Package], Layer]) -> None:
    """Change the workspace's layer of an app; what the fold would set aside is refused before it is stored."""
    demand_administrator(work)
    loader = Loader(site.kinds)
    now = milliseconds(work.context.now)

    def settle(tx: Transaction) -> None:
        found = next((each for each in loader.apps(tx) if each.base.id == app), None)
        if found is None:
            raise refuse("label.unknown_app", app=app)
        old = packages.layer_of(tx, app, WORKSPACE)
        beneath = loader.fold(found.base, [each for each in found.layers if each.owner != WORKSPACE])
        new = change(old, beneath.folded.package)
        _demand_fits(loader, found, old, new)
        packages.put_layer(tx, new, now)
        versions.bump(tx, "labels")

    site.db.write_now(settle)
    site.refresh()


def _demand_references(text: str, terms: Terms) -> None:
    """Refuse a text that names a term the app does not have, or whose braces do not close."""
    for match in TERM.finditer(text):
        if match[1] not in terms:
            raise refuse("label.no_term", "/text", term=match[1])
    if "{term:" in TERM.sub("", text) or text.count("{") != text.count("}"):
        raise refuse("label.bad_reference", "/text", text=text)


def _demand_fits(loader: Loader, found: App, old: Layer, new: Layer) -> None:
    others = [each for each in found.layers if each.owner != WORKSPACE]
    folded = loader.fold(found.base, [*others, new]).folded
    for outcome in folded.outcomes:
        if outcome.kind == "parked" and outcome.operation not in old.operations:
            raise refuse("label.refused", "/text", reason=outcome.reason)


def _with(layer: Layer, operations: list[LayerOperation], beneath: Package) -> Layer:
    """The layer with these edits in the place of earlier ones at the same address; an edit back is no edit."""
    places = {(each.op, each.path) for each in operations}
    kept = [each for each in layer.operations if (each.op, each.path) not in places]
    made = []
    for each in operations:
        base = current_value(beneath, each)
        if base != each.value:
            made.append(replace(each, base=base))
    return replace(layer, operations=(*kept, *made))


def _without(layer: Layer, op: str, path: tuple[str, ...]) -> Layer:
    """The layer without its edits at an address and below it."""
    kept = [each for each in layer.operations if each.op != op or each.path[: len(path)] != path]
    return replace(layer, operations=tuple(kept))
