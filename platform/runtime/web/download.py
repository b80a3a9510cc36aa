"""Files people download: streamed, named so that every browser keeps the name, never shown as a page."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from starlette.responses import StreamingResponse

BOM = "\ufeff"
PIECE = 1 << 15
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def csv_response(lines: Iterator[str], name: str) -> StreamingResponse:
    """CSV lines as a download in UTF-8 with its mark, which spreadsheets need to read Chinese."""

    def content() -> Iterator[bytes]:
        yield BOM.encode()
        for line in lines:
            yield line.encode("utf-8")

    return file_response(content(), name, "text/csv")


def file_response(content: Iterator[bytes], name: str, media_type: str) -> StreamingResponse:
    """Bytes as a download, as they come to be."""
    headers = {"content-disposition": disposition(name)}
    return StreamingResponse(_in_pieces(content), media_type=media_type, headers=headers)


def _in_pieces(content: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces: each one is a way to a thread and back."""
    piece = bytearray()
    for each in content:
        piece += each
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def disposition(name: str, kind: str = "attachment") -> str:
    """The header `Content-Disposition` by RFC 6266: the name in ASCII for old readers, then as it is."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
