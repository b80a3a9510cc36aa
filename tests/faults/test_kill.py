"""R1–R3: killed at every named point and at random moments, a workspace is wholly before or after (line 4)."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from itertools import count
from pathlib import Path

import pytest

from tests.faults import killing
from tests.faults.killing import Place, demand_whole, imported_hash
from tests.faults.points import SQLITE_ONLY, crash_points
from tests.faults.serving import Caller, add_person, serve
from tests.faults.working import LINES, TASKS
from tests.runtime.workspace import workspace
from tests.support.postgres import PostgresServer, database_name

LONG = bool(os.environ.get("DACHENG_SOAK"))
KILLS = 100 if LONG else 2
SOME_STEPS = ("schema.retype", "schema.archive")
EVERYTHING = ("write", "label", "publish", "import")
FreshPlace = Callable[[str], Place]
_TASKS_OF = {
    "install": ("publish",),
    "schema": ("publish",),
    "snapshot": ("publish",),
    "import": ("import",),
    "files": ("keep",),
}


def cases() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each point with work that reaches it; a commit is the end of every kind of work."""
    for point in crash_points():
        if point.startswith("storage."):
            yield from ((point, (task,)) for task in TASKS)
        else:
            yield point, _TASKS_OF.get(point.partition(".")[0], EVERYTHING)


CASES = [pytest.param(point, tasks, id=f"{point}-{tasks[0]}") for point, tasks in cases()]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite workspace to start from, with the hash of an import that nothing interrupted."""
    folder = tmp_path_factory.mktemp("prepared")
    killing.prepare(folder / "data", "")
    whole = tmp_path_factory.mktemp("whole")
    shutil.copytree(folder, whole, dirs_exist_ok=True)
    reference = Place(whole / "data", "")
    reference.finish("import")
    (folder / "hash").write_text(imported_hash(reference))
    return folder


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> tuple[Path, str]:
    """The same on PostgreSQL, as a database to copy."""
    folder = tmp_path_factory.mktemp("template")
    url = postgres_server.new_database()
    killing.prepare(folder / "data", url)
    return folder, url


@pytest.fixture
def fresh(request: pytest.FixtureRequest, tmp_path: Path, prepared: Path) -> Iterator[FreshPlace]:
    """`fresh(dialect)`: a copy of the prepared workspace."""
    urls: list[str] = []

    def make(dialect: str) -> Place:
        if dialect == "sqlite":
            shutil.copytree(prepared, tmp_path / "place")
            return Place(tmp_path / "place" / "data", "")
        folder, url = request.getfixturevalue("template")
        server: PostgresServer = request.getfixturevalue("postgres_server")
        urls.append(server.new_database(database_name(url)))
        shutil.copytree(folder, tmp_path / "place")
        return Place(tmp_path / "place" / "data", urls[-1])

    yield make
    for url in urls:
        request.getfixturevalue("postgres_server").drop(url)


@pytest.mark.soak
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize(("point", "tasks"), CASES)
def test_a_kill_at_a_named_point_leaves_wholly_before_or_after(
    fresh: FreshPlace, prepared: Path, dialect: str, point: str, tasks: tuple[str, ...]
) -> None:
    if dialect == "postgresql" and point in SQLITE_ONLY:
        pytest.skip("this step belongs to SQLite")
    if dialect == "postgresql" and not LONG and point.startswith("schema.") and point not in SOME_STEPS:
        pytest.skip("one transaction on the server: a sample of steps, all of them in the soak")
    place = fresh(dialect)
    place.killed_at(point, *tasks)
    number = demand_whole(place)
    if tasks == ("publish",):
        first = "snapshot" if dialect == "postgresql" else "publish"  # whose commit comes first
        after = point == "install.committed" or (point == "storage.after_commit" and first == "publish")
        assert number == (2 if after else 1)
    if tasks == ("import",):
        place.finish("import")
        assert imported_hash(place) == (prepared / "hash").read_text()
        demand_whole(place)
    elif number == 1 and tasks == ("publish",):
        place.finish("publish")
        assert demand_whole(place) == 2


@pytest.mark.soak
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("task", [*TASKS, "everything"] if LONG else ["import", "everything"])
def test_kills_at_random_moments_lose_nothing_acknowledged(
    fresh: FreshPlace,
    prepared: Path,
    dialect: str,
    task: str,
    record_property: Callable[[str, object], None],
) -> None:
    place = fresh(dialect)
    pick = random.Random(f"{dialect} {task}")
    tasks = EVERYTHING * 3 if task == "everything" else (task,) * 12
    longest = 1.5 if task == "everything" else 0.6
    for _ in range(KILLS):
        place.killed_after(pick.uniform(0.0, longest), *tasks)
        demand_whole(place)
    record_property("longest_reopening", max(each["seconds"] for each in place.said.all("reopened")))
    if task == "import":
        place.finish("import")
        assert imported_hash(place) == (prepared / "hash").read_text()


@pytest.mark.soak
def test_a_server_killed_while_people_save_loses_nothing_it_answered(fresh: FreshPlace) -> None:
    place = fresh("sqlite")
    with workspace(place.data) as host:
        _, token = add_person(host, "pat", "core.admin")
    for run in range(20 if LONG else 1):
        with serve(place.data) as server, ThreadPoolExecutor(4) as people:
            callers = [server.program(token) for _ in range(4)]
            answers = [
                people.submit(save_for_ever, each, place, f"W-{run}-{n}-") for n, each in enumerate(callers)
            ]
            time.sleep(1.0)
            os.kill(server.processes[0], signal.SIGKILL)
            assert sum(each.result() for each in answers) > 0
            for caller in callers:
                caller.close()
        demand_whole(place)


def save_for_ever(caller: Caller, place: Place, prefix: str) -> int:
    """Save orders until nobody answers any more; answers how many were acknowledged."""
    for number in count():
        try:
            answer = caller.post("/api/v1/apps/shop/order", {"number": f"{prefix}{number}", "lines": LINES})
        except (OSError, HTTPException):
            return number
        assert answer.status == 201, answer.text
        made = answer.json()
        place.said("made", id=made["id"], version=made["version"])
    raise AssertionError
