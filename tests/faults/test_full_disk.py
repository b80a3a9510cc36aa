"""R7: on a full disk writes say so, reads go on, and it recovers by itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dacheng.runtime.host import Host
from dacheng.runtime.services import doctor, install_app
from tests.faults.serving import Caller, add_person, serve_here
from tests.faults.shop_versions import edition
from tests.faults.working import LINES
from tests.runtime.workspace import workspace

SIZE = "24m"
RUNS = 20 if os.environ.get("DACHENG_SOAK") else 2
ORDERS = "/api/v1/apps/shop/order"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB of this test's own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this account may not mount a small file system (run as root)")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    """Take every free byte."""
    with suppress(OSError), path.open("wb", buffering=0) as stream:
        while stream.write(b"x" * 4096):
            pass


def create_until_refused(caller: Caller, prefix: str) -> tuple[list[str], int]:
    """Save orders until one is refused; answers the ids that were acknowledged, and the refusal's status."""
    saved: list[str] = []
    for number in range(2000):
        values = {"number": f"{prefix}-{number}", "reason": "x" * 200, "lines": LINES}
        answer = caller.post(ORDERS, values)
        if answer.status != 201:
            assert [each["code"] for each in answer.json()["problems"]] == ["storage.full"]
            return saved, answer.status
        saved.append(answer.json()["id"])
    raise AssertionError("the disk never filled")


def all_there(caller: Caller, saved: list[str]) -> bool:
    return all(caller.get(f"{ORDERS}/{each}").status == 200 for each in saved[-20:])


def sound(host: Host) -> bool:
    return doctor.examine(host, lambda step, done, total: None).problems == ()


@pytest.mark.soak
def test_a_full_disk_is_said_and_passes(small_disk: Path) -> None:
    with workspace(small_disk / "data") as host:
        install_app.install(host, host.work(), edition(host.kinds, 1))
        _, token = add_person(host, "pat", "core.admin")
        with serve_here(host) as server:
            caller = server.program(token)
            for run in range(RUNS):
                fill(small_disk / "filler")
                saved, status = create_until_refused(caller, f"F{run}")
                assert status == 507
                assert all_there(caller, saved)
                assert caller.get(f"{ORDERS}?limit=5").status == 200
                (small_disk / "filler").unlink()
                assert caller.post(ORDERS, {"number": f"after-{run}", "lines": LINES}).status == 201
                assert all_there(caller, saved)
                assert sound(host)
            caller.close()
    with workspace(small_disk / "data") as again:
        assert sound(again)
