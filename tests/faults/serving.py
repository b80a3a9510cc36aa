"""A real uvicorn server on a socket, in this process or in processes of its own, and people who ask it things."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvicorn

from dacheng.runtime.host import Host
from dacheng.runtime.services import tokens, users
from dacheng.runtime.services.users import NewUser
from dacheng.runtime.web.app import build_app
from tests.runtime.workspace import PASSWORD

START_SECONDS = 60.0
IDLE_SECONDS = 3.0


@dataclass(frozen=True)
class Server:
    """Where to ask, and the processes that answer."""

    port: int
    processes: tuple[int, ...] = ()

    def caller(self, **headers: str) -> Caller:
        """Somebody with a connection of their own, who sends these headers with every request."""
        return Caller(self.port, dict(headers))

    def program(self, token: str) -> Caller:
        """A program with an API token."""
        return self.caller(authorization=f"Bearer {token}")


@dataclass
class Answer:
    """One answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8-sig")

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Caller:
    """One connection, kept open between requests; one that is dropped raises.

    A server hangs up on a connection that lay idle for five seconds: after three a new one is taken, as browsers do.
    """

    port: int
    headers: dict[str, str]
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)
    _used: float = field(default=0.0, repr=False)

    def get(self, path: str, **parameters: str) -> Answer:
        """Ask for a page or resource."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return self.ask("GET", path + query)

    def post(self, path: str, values: Any, **headers: str) -> Answer:
        """Send JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(
            "POST", path, json.dumps(values).encode(), {"content-type": "application/json", **named}
        )

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Any request."""
        if self._connection is not None and time.monotonic() - self._used > IDLE_SECONDS:
            self.close()
            self._connection = None
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self._connection.request(method, path, body, {**self.headers, **(headers or {})})
        response = self._connection.getresponse()
        answer = response.read()
        self._used = time.monotonic()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, answer)

    def sign_in(self, email: str) -> Caller:
        """Sign in as a browser does."""
        own = {"sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}
        form = urlencode({"email": email, "password": PASSWORD, "next": "/"}).encode()
        answer = self.ask("POST", "/sign-in", form, own)
        assert answer.status == 303, answer.text
        self.headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]
        return self

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()


@contextmanager
def serve_here(host: Host) -> Iterator[Server]:
    """Serve an open host from a thread of this process, on a socket of the system's choice."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        build_app(host), access_log=False, log_level="error", loop="uvloop", http="httptools", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    port = listening.getsockname()[1]
    try:
        _wait_until_it_answers(port, thread.is_alive)
        yield Server(port, (os.getpid(),))
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def serve(data: Path, url: str = "", workers: int = 1) -> Iterator[Server]:
    """`dacheng serve` as an operator starts it; ended by SIGKILL when it does not end by itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "dacheng.runtime.cli", "serve", "--data", str(data), "--port", str(port)]
    command += ["--database", url] if url else []
    command += ["--workers", str(workers)] if workers > 1 else []
    with (data.parent / "server.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_until_it_answers(port, lambda: process.poll() is None)
            yield Server(port, _workers_of(process.pid) if workers > 1 else (process.pid,))
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_it_answers(port: int, alive: Any) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert alive()
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                caller = Caller(port, {})
                assert caller.get("/sign-in").status < 500
                caller.close()
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the server did not answer")


def _workers_of(parent: int) -> tuple[int, ...]:
    """Child processes that hold a listening socket's descriptor and serve."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return tuple(
        int(each) for each in children if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()
    )


def connections_of(process: int, port: int) -> int:
    """How many of a process's sockets are connections to this port (Linux)."""
    inodes = set()
    for entry in Path(f"/proc/{process}/fd").iterdir():
        try:
            inodes.add(str(entry.readlink()))
        except OSError:
            continue
    count = 0
    for line in Path(f"/proc/{process}/net/tcp").read_text().splitlines()[1:]:
        columns = line.split()
        local, state, inode = columns[1], columns[3], columns[9]
        count += local.endswith(f":{port:04X}") and state == "01" and f"socket:[{inode}]" in inodes
    return count


def add_person(host: Host, name: str, *roles: str) -> tuple[str, str]:
    """A person with roles; answers their id and an API token."""
    host.refresh()
    person = users.add_user(host, host.work(), NewUser(f"{name}@example.com", name.title(), roles, PASSWORD))
    host.refresh()
    return person, tokens.create_token(host, host.work(), person, "test")
