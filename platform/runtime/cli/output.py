"""What a command says: lines for people or one JSON document, problems in words, progress on a terminal."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from dacheng.metadata.problem import Problem

DONE = 0
REFUSED = 1
USAGE = 2
BUSY = 3
BUG = 70

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Output:
    """Where a command writes: results to `out`, everything else to `err`; with `as_json` one document only."""

    as_json: bool
    locale: str
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)

    def result(self, document: Mapping[str, Any], lines: Sequence[str] = ()) -> None:
        """The command's answer: `document` as JSON, or `lines` for people."""
        if self.as_json:
            print(json.dumps(document, ensure_ascii=False, default=str), file=self.out, flush=True)
            return
        for line in lines:
            print(line, file=self.out, flush=True)

    def say(self, line: str) -> None:
        """A remark for people, never part of the answer."""
        print(line, file=self.err, flush=True)

    def problems(self, problems: Sequence[Problem]) -> None:
        """What was refused, in words, all of it."""
        if self.as_json:
            found = [describe(problem, self.locale) for problem in problems]
            print(json.dumps({"problems": found}, ensure_ascii=False), file=self.out, flush=True)
            return
        for problem in problems:
            print(_sentence(problem, self.locale), file=self.err, flush=True)

    def progress(self) -> Progress:
        """A progress bar on a terminal; silence elsewhere."""
        if self.as_json or not self.err.isatty():
            return lambda step, done, total: None
        return Bar(self.err)


class Bar:
    """One line that is drawn over itself, at most ten times a second; a finished step keeps its line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn = 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        """Draw the bar when it is time to."""
        now = time.monotonic()
        finished = done >= total
        if not finished and now - self._drawn < 0.1:
            return
        self._drawn = now
        width = max(10, min(30, _columns() - len(step) - 20))
        share = 1.0 if total <= 0 else min(done / total, 1.0)
        full = int(width * share)
        text = f"\r{step} [{'█' * full}{'·' * (width - full)}] {done}/{total}"
        self._stream.write(text + ("\n" if finished else ""))
        self._stream.flush()


def describe(problem: Problem, locale: str) -> dict[str, str]:
    """A problem as the JSON body that the API gives too."""
    return {
        "code": problem.code,
        "file": problem.file,
        "pointer": problem.pointer,
        "message": problem.message_in(locale),
        "hint": problem.hint_in(locale),
    }


def _sentence(problem: Problem, locale: str) -> str:
    place = f"{problem.file}{problem.pointer}"
    hint = problem.hint_in(locale)
    text = problem.message_in(locale) + (f" {hint}" if hint else "")
    return f"{place}: {text}" if place else text


def _columns() -> int:
    try:
        return os.get_terminal_size(2).columns
    except OSError:
        return 80
