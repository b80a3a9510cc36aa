"""R6: a backup holds the files too, and a restore brings them back whole or stops before it replaces anything."""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import doctor, files, keep_snapshot
from dacheng.runtime.services.files import Upload
from dacheng.runtime.storage import file_rows
from dacheng.runtime.storage.file_copies import folder_of
from tests.runtime.workspace import workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRST, LATER = b"the contract, signed\n", b"written after the backup\n"


@dataclass
class Kept:
    """A workspace that is opened for each deed, as commands do."""

    data: Path
    url: str

    def add(self, content: bytes) -> str:
        with workspace(self.data, self.url) as host:
            return files.take_in(host, host.work(), Upload(io.BytesIO(content), "a.txt")).id

    def backup(self, target: Path | None) -> str:
        with workspace(self.data, self.url) as host:
            return keep_snapshot.backup(host, target, NOW)

    def restore(self, made: str) -> None:
        with workspace(self.data, self.url) as host:
            if self.url:
                keep_snapshot.restore_in_place(host, made)
                return
            settings = host.settings
        keep_snapshot.restore(settings, made)

    def content(self, ident: str) -> bytes | None:
        with workspace(self.data, self.url) as host:
            row = host.db.read_now(lambda reader: file_rows.load(reader, [ident])).get(ident)
            return files.content(host, row).read_bytes() if row else None

    def problems(self) -> list[str]:
        with workspace(self.data, self.url) as host:
            found = doctor.examine(host, lambda step, done, total: None).problems
            return [each.code for each in found]

    def files_of(self, made: str) -> Path:
        return folder_of(self.data / "backups" / made if self.url else Path(made))


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Kept:
    return Kept(tmp_path / "data", "" if database_url.startswith("sqlite") else database_url)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["in backups", "at a file"])
def test_r6_files_lost_since_a_backup_come_back_with_it(
    place: Kept, tmp_path: Path, *, elsewhere: bool
) -> None:
    first = place.add(FIRST)
    made = place.backup(tmp_path / "copies" / "mine.db" if elsewhere else None)
    later = place.add(LATER)
    shutil.rmtree(place.data / "files")
    assert place.problems() == ["file.lost", "file.lost"]
    place.restore(made)
    assert place.content(first) == FIRST
    assert place.content(later) is None
    assert place.problems() == []


def test_r6_a_damaged_file_of_a_backup_stops_the_restore_before_anything_is_replaced(place: Kept) -> None:
    place.add(FIRST)
    made = place.backup(None)
    later = place.add(LATER)
    (damaged,) = place.files_of(made).iterdir()
    damaged.unlink()
    damaged.write_bytes(b"something else")
    with pytest.raises(Refused) as refused:
        place.restore(made)
    assert refused.value.problems[0].code == "storage.check_failed"
    assert place.content(later) == LATER
    assert place.problems() == []


def test_r6_a_backup_carries_a_workspace_to_another_folder(tmp_path: Path) -> None:
    old, new = Kept(tmp_path / "old", ""), Kept(tmp_path / "new", "")
    ident = old.add(FIRST)
    made = old.backup(tmp_path / "carried.db")
    shutil.rmtree(old.data)
    new.restore(made)
    assert new.content(ident) == FIRST
    assert new.problems() == []
