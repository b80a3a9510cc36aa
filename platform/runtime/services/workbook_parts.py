"""The parts of a workbook (XLSX): unpacked within bounds, parsed piece by piece, without a document type or a link followed."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Final
from xml.parsers import expat

from dacheng.metadata.problem import Refused, refuse

MAX_PARTS: Final = 5_000
MAX_SHEET: Final = 1_000_000_000  # bytes unpacked; read piece by piece
MAX_WHOLE: Final = 100_000_000  # bytes unpacked of what is kept in memory: texts and formats
MAX_RATIO: Final = 200
FREE_OF_RATIO: Final = 1_000_000  # smaller parts may be packed as tightly as they like
PIECE: Final = 65_536
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
Attributes = Mapping[str, str]
Started = Callable[[str, Attributes], None]
Ended = Callable[[str], None]
Heard = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Listing:
    """What the workbook says of itself: its visible sheets with the part each is in, and where its days begin."""

    sheets: Mapping[str, str]
    since_1904: bool
    texts: str
    styles: str


def is_packed(content: bytes) -> bool:
    """Whether these bytes are a ZIP archive, as every XLSX is."""
    return content.startswith(b"PK\x03\x04")


def is_old_office(content: bytes) -> bool:
    """Whether these bytes are an OLE file: an old XLS, or a workbook with a password."""
    return content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


def opened(content: bytes) -> zipfile.ZipFile:
    """The archive; refused when it is broken, has macros, or would unpack beyond the bounds."""
    try:
        archive = zipfile.ZipFile(BytesIO(content))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise refuse("import.workbook_broken") from None
    if len(members) > MAX_PARTS:
        raise refuse("import.workbook_too_large")
    for each in members:
        if each.filename.lower().endswith("vbaproject.bin"):
            raise refuse("import.workbook_macros")
        if each.flag_bits & 1:
            raise refuse("import.workbook_protected")
    return archive


def pieces(archive: zipfile.ZipFile, name: str, limit: int) -> Iterator[bytes]:
    """One part unpacked piece by piece, never beyond `limit` bytes or the ratio."""
    try:
        info = archive.getinfo(name)
        tight = info.file_size > FREE_OF_RATIO and info.file_size > MAX_RATIO * max(info.compress_size, 1)
        if info.file_size > limit or tight:
            raise refuse("import.workbook_too_large")
        with archive.open(info) as stream:  # stops at the size the archive states, whatever is in it
            while piece := stream.read(PIECE):
                yield piece
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError):
        raise refuse("import.workbook_broken") from None


def parser(started: Started, ended: Ended, heard: Heard | None = None) -> Callable[[bytes, bool], None]:
    """A parser to be fed with pieces; names come without prefixes; a document type is refused."""
    made = expat.ParserCreate()
    made.buffer_text = True
    names: dict[str, str] = {}

    def local(name: str) -> str:
        found = names.get(name)
        if found is None:
            found = names[name] = name.rpartition(":")[2]
        return found

    def forbid(*_: object) -> None:
        raise refuse("import.workbook_broken")

    made.StartElementHandler = lambda name, attributes: started(local(name), attributes)
    made.EndElementHandler = lambda name: ended(local(name))
    made.CharacterDataHandler = heard
    made.StartDoctypeDeclHandler = forbid
    made.EntityDeclHandler = forbid
    made.ExternalEntityRefHandler = None

    def feed(piece: bytes, last: bool) -> None:
        try:
            made.Parse(piece, last)
        except expat.ExpatError:
            raise refuse("import.workbook_broken") from None

    return feed


def parse_whole(
    archive: zipfile.ZipFile, name: str, started: Started, ended: Ended, heard: Heard | None = None
) -> None:
    """Parse one part from its first piece to its last."""
    feed = parser(started, ended, heard)
    for piece in pieces(archive, name, MAX_WHOLE):
        feed(piece, False)
    feed(b"", True)


def listing(archive: zipfile.ZipFile) -> Listing:
    """The sheets people see, in their order, and the other parts they need."""
    root = _targets(archive, "_rels/.rels")
    book = next((target for kind, target in root.values() if kind == "officeDocument"), "xl/workbook.xml")
    folder, _, name = book.rpartition("/")
    parts = _targets(archive, f"{folder}/_rels/{name}.rels", folder)
    found: dict[str, str] = {}
    old: list[bool] = []

    def started(tag: str, given: Attributes) -> None:
        if tag == "workbookPr":
            old.append(given.get("date1904", "") in ("1", "true"))
        elif tag == "sheet" and given.get("state", "visible") == "visible":
            link = next((value for key, value in given.items() if key.rpartition(":")[2] == "id"), "")
            kind, target = parts.get(link, ("", ""))
            if kind == "worksheet" and given.get("name"):
                found[given["name"]] = target

    parse_whole(archive, book, started, lambda tag: None)
    if not found:
        raise refuse("import.workbook_broken")
    by_kind = dict(parts.values())
    return Listing(found, any(old), by_kind.get("sharedStrings", ""), by_kind.get("styles", ""))


def _targets(archive: zipfile.ZipFile, name: str, folder: str = "") -> dict[str, tuple[str, str]]:
    """Relations by id: (kind, part inside the archive); what leads out of it is left out."""
    found: dict[str, tuple[str, str]] = {}

    def started(tag: str, given: Attributes) -> None:
        if tag == "Relationship" and given.get("TargetMode", "") != "External":
            target = given.get("Target", "")
            kind = given.get("Type", "").rpartition("/")[2]
            place = target.lstrip("/") if target.startswith("/") or not folder else f"{folder}/{target}"
            found[given.get("Id", "")] = (kind, place)

    try:
        parse_whole(archive, name, started, lambda tag: None)
    except Refused:
        if name in archive.namelist():
            raise
    return found


def unescaped(text: str) -> str:
    """`_x000D_` and the like as the character they stand for."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
