"""Work that takes longer than a request: begun in a thread, watched on a page, remembered in the data folder."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from dacheng.metadata.problem import Problem, Refused, problem, refuse

log = logging.getLogger("dacheng.web")

JOBS_FOLDER: Final = "jobs"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
STOPPED: Final = "stopped"
KEPT_SECONDS: Final = 7 * 86_400
FILES_KEPT_SECONDS: Final = 86_400  # what was made to be downloaded holds records: it does not lie about
SILENT_SECONDS: Final = 300
EVERY_SECONDS: Final = 0.3
_ID = re.compile(r"[0-9a-f]{32}")
Progress = Callable[[str, int, int], None]  # step, done, total


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work as its starter sees it; `after` is the page that shows the result, `back` where it began."""

    id: str
    owner: str
    title: str
    after: str
    back: str
    state: str = RUNNING
    done: int = 0
    total: int = 0
    result: dict[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    stoppable: bool = False


class _Stopped(Exception):
    """Whoever began the work does not want it any more."""


class Jobs:
    """The jobs of one workspace, a small file each, so that every serving process can show them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, job: Job, work: Callable[[Progress], dict[str, Any]]) -> None:
        """Run `work` in a thread; what it answers is the job's result, what it refuses its problems."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        self._put(job)
        task = asyncio.get_running_loop().create_task(asyncio.to_thread(self._run, job, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def get(self, job_id: str, owner: str) -> Job:
        """A job of this person; anybody else's is not there."""
        if not _ID.fullmatch(job_id):
            raise refuse("web.not_found")
        path = self._folder / f"{job_id}.json"
        try:
            stored = json.loads(path.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            raise refuse("web.not_found") from None
        if stored["owner"] != owner:
            raise refuse("web.not_found")
        problems = tuple(problem_from(each) for each in stored.pop("problems"))
        job = Job(**stored, problems=problems)
        silent = time.time() - path.stat().st_mtime
        if job.state == RUNNING and silent > SILENT_SECONDS:
            return replace(job, state=FAILED, problems=(problem("web.job_interrupted"),))
        return job

    def stop(self, job_id: str, owner: str) -> Job:
        """Ask the work to end where it is, in whichever process it runs; what it made so far is dropped."""
        job = self.get(job_id, owner)
        if job.state == RUNNING and job.stoppable:
            self._path(job_id, "stop").touch(mode=0o600)
        return job

    def file(self, job_id: str) -> Path:
        """Where the work puts what is to be downloaded."""
        return self._path(job_id, "file")

    def _path(self, job_id: str, suffix: str) -> Path:
        if not _ID.fullmatch(job_id):
            raise refuse("web.not_found")
        return self._folder / f"{job_id}.{suffix}"

    def _run(self, job: Job, work: Callable[[Progress], dict[str, Any]]) -> None:
        told, stop = 0.0, self._path(job.id, "stop")

        def progress(_step: str, done: int, total: int) -> None:
            nonlocal told, job
            if time.monotonic() - told >= EVERY_SECONDS:
                if stop.exists():
                    raise _Stopped
                told = time.monotonic()
                job = replace(job, done=done, total=total)
                self._put(job)

        try:
            result = work(progress)
        except _Stopped:
            self.file(job.id).unlink(missing_ok=True)
            self._put(replace(job, state=STOPPED))
        except Refused as refused:
            self._put(replace(job, state=FAILED, problems=refused.problems))
        except Exception:
            log.exception("job %s failed", job.id)
            self._put(replace(job, state=FAILED, problems=(problem("web.fault", reference=job.id),)))
        else:
            self._put(replace(job, state=DONE, result=result))

    def _put(self, job: Job) -> None:
        stored = asdict(replace(job, problems=())) | {
            "problems": [problem_json(each) for each in job.problems]
        }
        path = self._folder / f"{job.id}.json"
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(stored), "utf-8")
        fresh.replace(path)

    def _sweep(self) -> None:
        now = time.time()
        for path in self._folder.iterdir():
            kept = FILES_KEPT_SECONDS if path.suffix == ".file" else KEPT_SECONDS
            if path.stat().st_mtime < now - kept:
                path.unlink(missing_ok=True)


def new_job_id() -> str:
    """A name nobody can guess."""
    return secrets.token_hex(16)


def problem_json(each: Problem) -> dict[str, Any]:
    """A problem as it is kept in a file; its sentences are made anew for whoever reads it."""
    params = {name: str(value) for name, value in each.params.items()}
    return {"code": each.code, "pointer": each.pointer, "file": each.file, "params": params}


def problem_from(stored: dict[str, Any]) -> Problem:
    """The problem that was kept."""
    return problem(stored["code"], stored["pointer"], stored["file"], **stored["params"])
