"""A guided start counts what the workspace holds of its own; sample data counts for nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dacheng.runtime.host import Host
from dacheng.runtime.services import guided_start, install_app, marketplace, remove_sample, write_record
from dacheng.runtime.services.write_record import Write
from tests.runtime.workspace import add, workspace

APP = "sales_management"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A workspace with the app and its sample records."""
    with workspace(tmp_path) as opened:
        install_app.install(opened, opened.work(), marketplace.offered_package(opened, APP))
        yield opened


def steps(host: Host) -> dict[str, tuple[int, int]]:
    (state,) = host.db.read_now(lambda reader: guided_start.guides(reader, host.work()))
    assert state.day == 1
    assert state.done == sum(each.done for each in state.steps)
    return {each.step.id: (each.have, each.want) for each in state.steps}


def test_steps_show_what_is_there_and_sample_data_counts_for_nothing(host: Host) -> None:
    before = steps(host)
    assert (before["accounts"], before["sample_gone"], before["figures"]) == ((0, 20), (0, 1), (0, 1))
    for number in range(3):
        write = Write("create", f"{APP}.account", values={"name": f"自己的客户 {number}"})
        write_record.write_now(host.db, host.work(), write)
    deal = Write("create", f"{APP}.opportunity", values={"name": "自己的商机"})
    write_record.write_now(host.db, host.work(), deal)
    add(host, "boss@example.com", "admin")
    host.refresh()
    after = steps(host)
    assert (after["accounts"], after["people"]) == ((3, 20), (1, 3))
    assert remove_sample.remove(host, host.work(), APP).kept == 0
    assert steps(host)["sample_gone"] == (1, 1)
    assert steps(host)["accounts"] == (3, 20)
