"""Packages on disk: a folder or an archive ↔ `Package`, written so that equal content gives equal bytes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from dacheng.metadata.archive import archive_files
from dacheng.metadata.definition import Package
from dacheng.metadata.kinds import Json, Kinds
from dacheng.metadata.problem import Problem, Refused, problem, refuse
from dacheng.metadata.strict_json import strict_json

__all__ = ["read_archive", "read_files", "read_folder", "strict_json", "to_files", "write_folder"]

MANIFEST = "app.json"
MAX_FILES = 2_000
MAX_TOTAL = 50_000_000
_NAME = re.compile(r"[a-z0-9_./-]{1,120}", re.ASCII)
_LOCALE_FILE = re.compile(r"[A-Za-z-]{2,12}\.json", re.ASCII)
_ASSETS = "assets"
_IGNORED = (".", "README", "LICENSE", "tests", "signature.json")


def read_folder(path: Path | str, kinds: Kinds) -> Package:
    """The package in a folder; symbolic links, unknown files and oversized folders are refused."""
    root = Path(path)
    if not (root / MANIFEST).is_file():
        raise refuse("package.no_manifest", file=root.name)
    files: dict[str, bytes] = {}
    total = 0
    for entry in sorted(root.rglob("*")):
        name = entry.relative_to(root).as_posix()
        if entry.is_symlink():
            raise refuse("package.link", file=name)
        if entry.is_file():
            total += entry.stat().st_size
            if len(files) >= MAX_FILES or total > MAX_TOTAL:
                raise refuse("package.too_large", limit=MAX_TOTAL, entries=MAX_FILES)
            files[name] = entry.read_bytes()
    return read_files(files, kinds)


def read_archive(data: bytes, kinds: Kinds) -> Package:
    """The package in a ZIP archive held in memory; its signature is checked apart (`signature.check`)."""
    return read_files(archive_files(data), kinds)


def read_files(files: Mapping[str, bytes], kinds: Kinds) -> Package:
    """The package made of these files (path → bytes); every unreadable or misplaced file is reported at once."""
    reading = _Reading({kind.folder: kind.id for kind in kinds.definitions.values()})
    for name in sorted(files):
        if not name.startswith(_IGNORED):
            reading.file(name, files[name])
    return reading.package()


class _Reading:
    """Files sorted into their places while problems are collected."""

    def __init__(self, folders: Mapping[str, str]) -> None:
        self.folders = folders
        self.problems: list[Problem] = []
        self.manifest: Mapping[str, Any] | None = None
        self.items: dict[tuple[str, str], Mapping[str, Any]] = {}
        self.labels: dict[str, Mapping[str, str]] = {}
        self.terms: dict[str, Mapping[str, Mapping[str, str]]] = {}
        self.files: dict[tuple[str, str], str] = {}
        self.assets: dict[str, bytes] = {}

    def file(self, name: str, data: bytes) -> None:
        parts = PurePosixPath(name).parts
        if name == MANIFEST:
            self._json(name, data, self._manifest)
        elif parts[0] == _ASSETS and len(parts) > 1:
            self.assets[name] = data
        elif parts[0] == "labels" and len(parts) == 2 and _LOCALE_FILE.fullmatch(parts[1]):
            self._json(name, data, self._words)
        elif len(parts) == 2 and parts[0] in self.folders and name.endswith(".json"):
            self._json(name, data, self._item)
        else:
            self.problems.append(problem("package.unknown_file", file=name))

    def _json(self, name: str, data: bytes, take: Callable[[str, dict[str, Any]], None]) -> None:
        try:
            value = strict_json(data, file=name)
        except Refused as refused:
            self.problems.extend(refused.problems)
            return
        if isinstance(value, dict):
            take(name, value)
        else:
            self.problems.append(problem("definition.wrong_type", "", name, expected="object"))

    def _manifest(self, name: str, value: dict[str, Any]) -> None:
        self.manifest = value
        for key in ("id", "version"):
            if not isinstance(value.get(key), str):
                self.problems.append(problem("definition.missing_key", "", name, key=key))

    def _words(self, name: str, value: dict[str, Any]) -> None:
        locale = PurePosixPath(name).stem
        for key in value:
            if key not in ("labels", "terms"):
                self.problems.append(
                    problem("definition.unknown_key", f"/{key}", name, key=key, known="labels, terms")
                )
        labels, terms = value.get("labels", {}), value.get("terms", {})
        if not isinstance(labels, dict) or not all(isinstance(text, str) for text in labels.values()):
            self.problems.append(
                problem("definition.wrong_type", "/labels", name, expected="object of texts")
            )
        elif not isinstance(terms, dict) or not all(_is_term(forms) for forms in terms.values()):
            self.problems.append(problem("definition.wrong_type", "/terms", name, expected="object of terms"))
        else:
            self.labels[locale] = labels
            self.terms[locale] = terms

    def _item(self, name: str, value: dict[str, Any]) -> None:
        kind = self.folders[PurePosixPath(name).parts[0]]
        stem = PurePosixPath(name).stem
        if value.get("id") != stem:
            self.problems.append(
                problem("package.id_is_not_file", "/id", name, id=value.get("id"), stem=stem)
            )
            return
        self.items[kind, stem] = value
        self.files[kind, stem] = name

    def package(self) -> Package:
        if self.manifest is None and not self.problems:
            self.problems.append(problem("package.no_manifest", file=MANIFEST))
        if self.problems or self.manifest is None:
            raise Refused(self.problems)
        package = Package(
            manifest=self.manifest,
            items=MappingProxyType(self.items),
            labels=MappingProxyType(self.labels),
            terms=MappingProxyType(self.terms),
            files=MappingProxyType(self.files),
            assets=MappingProxyType(self.assets),
        )
        return with_hash(package)


def _is_term(forms: Any) -> bool:
    return (
        isinstance(forms, dict) and "one" in forms and all(isinstance(text, str) for text in forms.values())
    )


def with_hash(package: Package) -> Package:
    """The same package with the hash of its content."""
    digest = hashlib.sha256()
    body = [package.manifest, sorted(package.items.items()), package.labels, package.terms]
    digest.update(canonical(body).encode("utf-8"))
    for name, data in sorted(package.assets.items()):
        digest.update(name.encode() + hashlib.sha256(data).digest())
    return Package(
        package.manifest,
        package.items,
        package.labels,
        package.terms,
        package.files,
        package.assets,
        digest.hexdigest()[:32],
    )


def canonical(value: Json) -> str:
    """One text per value: keys sorted, no spaces, decimals as they are."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        near = float(value)
        return near if Decimal(repr(near)) == value else str(value)
    if isinstance(value, Mapping):
        return dict(value)
    return list(value)


def to_files(package: Package, kinds: Kinds | None = None) -> dict[str, bytes]:
    """The package as files, sorted by name: one item a file, keys sorted, two spaces, one newline at the end."""
    folders = {} if kinds is None else {kind.id: kind.folder for kind in kinds.definitions.values()}
    files = {MANIFEST: _bytes(package.manifest), **package.assets}
    for (kind, item_id), item in package.items.items():
        known = package.files.get((kind, item_id))
        folder = folders.get(kind) or (known.split("/")[0] if known else _folder(kind))
        files[f"{folder}/{item_id}.json"] = _bytes(item)
    for locale in sorted({*package.labels, *package.terms}):
        words = {"labels": package.labels.get(locale, {}), "terms": package.terms.get(locale, {})}
        files[f"labels/{locale}.json"] = _bytes(words)
    return dict(sorted(files.items()))


def _folder(kind: str) -> str:
    plurals = {"entity": "entities", "data": "data"}
    return plurals.get(kind, f"{kind}s")


def _bytes(value: Json) -> bytes:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2, default=_plain)
    return text.encode("utf-8") + b"\n"


def write_folder(package: Package, path: Path | str, kinds: Kinds | None = None) -> None:
    """Write the package into an empty or new folder; the names are checked, nothing is removed."""
    root = Path(path)
    for name, data in to_files(package, kinds).items():
        if not _NAME.fullmatch(name.removesuffix(".json").lower()) or ".." in name:
            raise refuse("package.bad_name", file=name)
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
