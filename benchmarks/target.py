"""A target: how to start one contestant and what to ask it, read from a TOML file.

    name  = "limit"
    base  = "http://127.0.0.1:{port}"
    reset = "…"                       # optional: run before the start
    start = "uvicorn …"
    ready = "/ping"                   # polled until it answers below 400
    cpu   = "0"                       # the server's core
    prepare = "module:function"       # optional: base URL → Prepared, once the server answers
    [env]
    [scenario.list_page]
    path = "/customers?status=active&country={country}"
    contains = "<table"               # checked once before the load
    [scenario.create]
    as = "token"                      # optional: whose headers, of those that were prepared
    method = "POST"; path = "/api/customers"; body = "customer"; expect = 201

{port} {python} {dacheng} {data} stand in every text; {country} {id} in paths.
"""

from __future__ import annotations

import http.client
import importlib
import json
import os
import random
import shlex
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from benchmarks.limit.records import COUNTRY, Record, gen_records
from benchmarks.processes import tree

ROOT = Path(__file__).resolve().parent.parent
DISTINCT = 400  # distinct requests cycled by the load
SAFE = "/?&=%-_.~:,+$!*'@[]"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@dataclass(frozen=True)
class Ask:
    """One request to send."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Prepared:
    """What is known only once a server answers: headers, record ids, how a body is written."""

    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by the scenario's `as`
    ids: Sequence[str] = ()
    body: Callable[[Record], Record] = lambda record: record


@dataclass
class Target:
    """One contestant: started, asked, stopped."""

    file: Path
    data: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    prepared: Prepared = field(default_factory=Prepared)
    facts: dict[str, Any] = field(default_factory=dict)
    log: Path = Path(os.devnull)

    def __post_init__(self) -> None:
        text = self.file.read_text("utf-8")
        values: dict[str, object] = {"port": self.port, "python": sys.executable, "data": self.data}
        values["dacheng"] = Path(sys.executable).with_name("dacheng")
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        self.spec: dict[str, Any] = tomllib.loads(text)
        self.name: str = self.spec["name"]
        self.address = urlsplit(self.spec["base"])
        if self.address.hostname not in ("127.0.0.1", "localhost"):
            raise SystemExit(f"{self.name}: loads go to this machine only, not to {self.address.hostname}")

    @property
    def scenarios(self) -> dict[str, dict[str, Any]]:
        """Scenario name → what to ask."""
        scenarios: dict[str, dict[str, Any]] = self.spec["scenario"]
        return scenarios

    def start(self, log: Path) -> None:
        """Fill the database, start the server, wait until it answers, prepare."""
        environment = {**os.environ, **{k: str(v) for k, v in self.spec.get("env", {}).items()}}
        if "reset" in self.spec:
            subprocess.run(shlex.split(self.spec["reset"]), check=True, env=environment, cwd=ROOT)
        command = ["taskset", "-c", str(self.spec.get("cpu", "0")), *shlex.split(self.spec["start"])]
        began, self.log = time.perf_counter(), log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        self._wait_until_ready(began + self.spec.get("ready_timeout", 120), log)
        self.facts["start_s"] = round(time.perf_counter() - began, 2)
        if "prepare" in self.spec:
            module, _, name = self.spec["prepare"].partition(":")
            prepare = getattr(importlib.import_module(module), name)
            self.prepared = prepare(self.spec["base"], self.data)

    def _wait_until_ready(self, limit: float, log: Path) -> None:
        while True:
            try:
                if self.send(Ask("GET", self.spec["ready"], {}))[0] < 400:
                    return
            except OSError:
                pass
            if time.perf_counter() > limit or (self.process and self.process.poll() is not None):
                self.stop()
                raise SystemExit(f"{self.name} did not start:\n{log.read_text('utf-8')[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End everything this target started."""
        if self.process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in tree(self.process.pid):
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue
            for _ in range(50):
                self.process.poll()
                if not tree(self.process.pid):
                    return
                time.sleep(0.1)

    def send(self, ask: Ask, timeout: float = 600) -> tuple[int, bytes]:
        """Status and body of one request on a connection of its own."""
        connection = http.client.HTTPConnection(
            self.address.hostname or "", self.address.port, timeout=timeout
        )
        connection.request(ask.method, ask.path, ask.body or None, dict(ask.headers))
        response = connection.getresponse()
        status, body = response.status, response.read()
        connection.close()
        return status, body

    def asks(self, scenario: str) -> list[Ask]:
        """The distinct requests of a scenario; records in bodies are new in each run."""
        spec, chance = self.scenarios[scenario], random.Random(7)
        records = gen_records(DISTINCT, seed=int(time.time()) % 100_000)
        return [self._ask(spec, record, chance) for record in records]

    def _ask(self, spec: Mapping[str, Any], record: Record, chance: random.Random) -> Ask:
        known = self.prepared.ids
        values = {
            "country": chance.choice(COUNTRY),
            "id": chance.choice(known) if known else chance.randrange(1, 100_000),
        }
        path = str(spec["path"])
        for name, value in values.items():
            path = path.replace("{" + name + "}", str(value))
        headers, body = dict(self.prepared.headers.get(str(spec.get("as", "")), {})), b""
        if spec.get("body") == "customer":
            headers["Content-Type"] = "application/json"
            body = json.dumps(self.prepared.body(record), ensure_ascii=False).encode()
        return Ask(str(spec.get("method", "GET")), quote(path, safe=SAFE), headers, body)

    def check(self, scenario: str) -> None:
        """Ask once and look at the answer, so that no error page is ever measured."""
        spec, ask = self.scenarios[scenario], self.asks(scenario)[0]
        status, body = self.send(ask)
        if status != spec.get("expect", 200) or spec.get("contains", "").encode() not in body:
            time.sleep(0.5)
            said = self.log.read_text("utf-8")[-2000:]
            raise SystemExit(f"{self.name} {ask.method} {ask.path}: {status}\n{body[:600]!r}\n{said}")
        self.facts[f"bytes_{scenario}"] = len(body)
