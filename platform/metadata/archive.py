"""Package archives: ZIP only, read in memory under strict limits, written byte-identically."""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Mapping

from dacheng.metadata.problem import refuse

MAX_ENTRIES = 2_000
MAX_TOTAL = 50_000_000
MAX_RATIO = 100
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,120}", re.ASCII)
_LOCALE_NAME = re.compile(r"labels/[a-z]{2,3}(-[A-Z][A-Za-z]{1,3})?\.json", re.ASCII)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_DEFLATED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def archive_files(data: bytes) -> dict[str, bytes]:
    """The files of an archive (path → bytes).

    Refuses: other formats, names outside `[a-z0-9_./-]` (a locale file alone may have capitals), `..`, absolute
    paths, links and devices, encrypted entries, duplicates and names that differ in case alone, more than 2,000
    entries, 50 MB in all, a compression ratio beyond 100.
    """
    if len(data) > MAX_TOTAL:
        raise refuse("package.too_large", limit=MAX_TOTAL, entries=MAX_ENTRIES)
    if not data.startswith(b"PK\x03\x04"):
        raise refuse("package.not_an_archive")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError, RuntimeError):
        raise refuse("package.not_an_archive") from None


def _read(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise refuse("package.too_large", limit=MAX_TOTAL, entries=MAX_ENTRIES)
    seen: set[str] = set()
    left = MAX_TOTAL
    files: dict[str, bytes] = {}
    for entry in entries:
        _check_entry(entry, seen)
        if entry.is_dir():
            continue
        with archive.open(entry) as stream:
            content = stream.read(min(left, entry.file_size) + 1)
        left -= len(content)
        if left < 0 or len(content) != entry.file_size:
            raise refuse("package.too_large", file=entry.filename, limit=MAX_TOTAL, entries=MAX_ENTRIES)
        files[entry.filename] = content
    return files


def _check_entry(entry: zipfile.ZipInfo, seen: set[str]) -> None:
    name = entry.filename
    plain = _NAME.fullmatch(name) and (name == name.lower() or _LOCALE_NAME.fullmatch(name))
    if not plain or name.startswith("/") or ".." in name or "//" in name or "/./" in f"/{name}":
        raise refuse("package.bad_name", file=ascii(name)[:120])
    if name.lower() in seen:
        raise refuse("package.duplicate", file=name)
    seen.add(name.lower())
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR) or entry.flag_bits & 0x1:
        raise refuse("package.link", file=name)
    if entry.compress_type not in _DEFLATED or entry.file_size > MAX_RATIO * max(entry.compress_size, 100):
        raise refuse("package.bomb", file=name, limit=MAX_RATIO)
    if entry.file_size > MAX_TOTAL:
        raise refuse("package.too_large", file=name, limit=MAX_TOTAL, entries=MAX_ENTRIES)


def write_archive(files: Mapping[str, bytes]) -> bytes:
    """The files as one ZIP archive; equal files give equal bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_STORED
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.create_system = 3
            archive.writestr(entry, files[name])
    return target.getvalue()
