"""Files on their way into the product: uploaded, not yet imported, kept for their owner for a day."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from dacheng.metadata.problem import refuse

FOLDER: Final = "uploads"
KEPT_SECONDS: Final = 86_400
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Draft:
    """One uploaded file: whose it is, what it shall become, and the mapping as far as it is made (JSON)."""

    id: str
    owner: str
    name: str
    entity: str
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    mapping: Mapping[str, Any] = field(default_factory=dict)


class Drafts:
    """The drafts of one workspace, two files each in the data folder, readable by its owner alone."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER

    def add(self, owner: str, name: str, entity: str, content: bytes) -> Draft:
        """Keep an uploaded file."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sweep()
        draft = Draft(secrets.token_hex(16), owner, name, entity)
        self._write(self._path(draft.id, "csv"), content)
        self.keep(draft)
        return draft

    def keep(self, draft: Draft) -> None:
        """Keep what is known of a draft now."""
        self._write(self._path(draft.id, "json"), json.dumps(asdict(draft)).encode())

    def get(self, draft_id: str, owner: str) -> Draft:
        """A draft of this person; anybody else's is not there."""
        if not _ID.fullmatch(draft_id):
            raise refuse("web.not_found")
        try:
            draft = Draft(**json.loads(self._path(draft_id, "json").read_bytes()))
        except (FileNotFoundError, ValueError):
            raise refuse("web.not_found") from None
        if draft.owner != owner:
            raise refuse("web.not_found")
        return draft

    def content(self, draft: Draft) -> bytes:
        """The file's bytes."""
        try:
            return self._path(draft.id, "csv").read_bytes()
        except FileNotFoundError:
            raise refuse("web.not_found") from None

    def drop(self, draft: Draft) -> None:
        """Forget a draft and its file."""
        for suffix in ("csv", "json"):
            self._path(draft.id, suffix).unlink(missing_ok=True)

    def _path(self, draft_id: str, suffix: str) -> Path:
        return self._folder / f"{draft_id}.{suffix}"

    def _write(self, path: Path, content: bytes) -> None:
        path.touch(mode=0o600)
        path.write_bytes(content)

    def _sweep(self) -> None:
        oldest = time.time() - KEPT_SECONDS
        for path in self._folder.iterdir():
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)
