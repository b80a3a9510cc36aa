"""What can be installed: the bundled listings, packages of plugins, folders and signed archives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dacheng.metadata import signature
from dacheng.metadata.archive import archive_files
from dacheng.metadata.package import read_files, read_folder
from dacheng.metadata.problem import Refused, refuse
from dacheng.metadata.strict_json import strict_json
from dacheng.runtime.bundled import bundled_packages
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.services.site import Site
from dacheng.runtime.storage import packages

LISTINGS = Path("marketplace") / "listings"
TRUSTED = "trusted_keys"
EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Listing:
    """One offer: what it is in words, its folder, and the version installed now (empty: none)."""

    app: str
    version: str
    folder: Path | None
    installed: str = ""
    icon: str = "package"
    maker: str = ""
    license: str = ""
    order: int = 1000
    categories: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    summaries: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    descriptions: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    changelog: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))

    def name(self, locale: str) -> str:
        """Its name in a language."""
        return self.names.get(locale) or self.names.get("en") or self.app

    def summary(self, locale: str) -> str:
        """One sentence about it."""
        return self.summaries.get(locale) or self.summaries.get("en", "")

    def description(self, locale: str) -> str:
        """What it does; the summary when there is nothing longer."""
        return self.descriptions.get(locale) or self.descriptions.get("en") or self.summary(locale)


def list_apps(site: Site) -> tuple[Listing, ...]:
    """Everything on offer, then what is installed from elsewhere, in the order of the listings."""
    installed = {each.id: each.version for each in site.db.read_now(packages.installed)}
    offers = {each.app: each for each in (*_bundled(installed), *_of_plugins(site, installed))}
    for app, version in installed.items():
        if app not in offers:
            names = _own_names(site, app)
            offers[app] = Listing(app, version, None, version, names=names)
    return tuple(sorted(offers.values(), key=lambda each: (each.order, each.app)))


def find_package(site: Site, name: str) -> Candidate:
    """The package of an app on offer, a folder on this machine, or a signed archive; for the command line."""
    offer = next((each for each in list_apps(site) if each.app == name), None)
    if offer is not None and offer.folder is not None:
        return Candidate(read_folder(offer.folder, site.kinds))
    path = Path(name)
    if path.is_dir():
        return Candidate(read_folder(path, site.kinds), publisher="local")
    if path.is_file():
        return from_archive(site, path.read_bytes())
    raise refuse("install.unknown_app", name=name)


def offered_package(site: Site, app: str) -> Candidate:
    """The package of an app on offer, by id alone; for the web, which is given no paths."""
    offer = next((each for each in list_apps(site) if each.app == app), None)
    if offer is None or offer.folder is None:
        raise refuse("install.unknown_app", name=app)
    return Candidate(read_folder(offer.folder, site.kinds))


def from_archive(site: Site, data: bytes) -> Candidate:
    """The package of a ZIP archive, signed by a key the operator trusts (`trusted_keys/*.pub` in the data folder)."""
    files = archive_files(data)
    key = signature.check(files, trusted_keys(site))
    return Candidate(read_files(files, site.kinds), publisher=key.hex())


def trusted_keys(site: Site) -> tuple[bytes, ...]:
    """The public keys the operator has put there: 64 hexadecimal digits a file."""
    keys = []
    for path in sorted((site.settings.data / TRUSTED).glob("*.pub")):
        try:
            keys.append(bytes.fromhex(path.read_text(encoding="ascii").strip()))
        except ValueError as error:
            raise refuse("host.file_unreadable", name=path.name, reason="not a key") from error
    return tuple(keys)


def _bundled(installed: Mapping[str, str]) -> Iterator[Listing]:
    root = bundled_packages()
    for path in sorted((root / LISTINGS).glob("*.json")):
        body = strict_json(path.read_bytes(), file=path.name)
        yield Listing(
            app=body["id"],
            version=body["version"],
            folder=root / body["package"],
            installed=installed.get(body["id"], ""),
            icon=body.get("icon", "package"),
            maker=body.get("maker", ""),
            license=body.get("license", ""),
            order=body.get("order", 1000),
            categories=tuple(body.get("categories", ())),
            requires=tuple(body.get("requires", ())),
            names=body.get("name", {}),
            summaries=body.get("summary", {}),
            descriptions=body.get("description", {}),
            changelog=body.get("changelog", {}),
        )


def _of_plugins(site: Site, installed: Mapping[str, str]) -> Iterator[Listing]:
    """Definition packages that plugins bring: one that cannot be read is left out, `doctor` names it."""
    for folders in site.plugins.registered("register_packages").values():
        for folder in folders:
            try:
                package = read_folder(folder, site.kinds)
            except Refused:
                continue
            names = {locale: str(words.get("app", package.id)) for locale, words in package.labels.items()}
            yield Listing(
                package.id,
                package.version,
                Path(folder),
                installed.get(package.id, ""),
                icon=str(package.manifest.get("icon", "package")),
                requires=tuple(package.manifest.get("requires", {})),
                names=names,
            )


def _own_names(site: Site, app: str) -> Mapping[str, Any]:
    labels = site.model().labels
    return {locale: labels.text(locale, app, "app") for locale in labels.locales(app)}
