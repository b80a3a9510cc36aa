"""Commands that run: `serve`, `worker`, `demo`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from typing import Any

from dacheng.metadata.problem import refuse
from dacheng.runtime import logs
from dacheng.runtime.cli.output import DONE, Output
from dacheng.runtime.cli.workspace import Commands, add_command, settings_of
from dacheng.runtime.host import Host
from dacheng.runtime.services import outbox_worker, setup
from dacheng.runtime.settings import PREFIX, Settings, load_settings

GRACE_SECONDS = 10


def register(commands: Commands) -> None:
    """Add this group's commands."""
    parser = add_command(commands, "serve", "Serve a workspace.", serve)
    parser.add_argument("--host", metavar="ADDRESS", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, metavar="N", help="port to listen on (8000)")
    parser.add_argument("--workers", type=int, metavar="N", help="serving processes (PostgreSQL)")
    parser = add_command(commands, "worker", "Work off mails and jobs (PostgreSQL).", work)
    parser.add_argument("--once", action="store_true", help="stop when nothing is due")


def serve(given: argparse.Namespace, output: Output) -> int:
    """Serve until the process is told to stop."""
    settings = settings_of(given, host=given.host, port=given.port, workers=given.workers)
    if settings.workers > 1:
        if settings.embedded:
            raise refuse("host.workers_need_postgresql", workers=settings.workers)
        return _serve_many(settings, output)
    host = Host.open(settings)
    try:
        announce(host, output)
        run(host)
    finally:
        host.close()
    return DONE


def announce(host: Host, output: Output) -> None:
    """Say where to go, and how to make the first administrator when there is none."""
    settings = host.settings
    address = settings.base_url or f"http://{settings.host}:{settings.port}"
    output.say(f"Dacheng serves {address}  (data in {settings.data})")
    token = setup.offer_token(host)
    if token is not None:
        output.say(f"First administrator: open {address}/setup and enter this one-time token: {token}")


def run(host: Host) -> None:
    """Serve an open host in this process, with its own worker, until told to stop."""
    logs.log_to(level=logging.WARNING)
    import uvicorn  # noqa: PLC0415 - heavy; only serving needs it

    from dacheng.runtime.web.app import build_app  # noqa: PLC0415 - heavy; only serving needs it

    worker = outbox_worker.start(host)
    try:
        app = build_app(host)
        host.freeze()
        uvicorn.Server(uvicorn.Config(app, **_server_options(host.settings))).run()
    finally:
        worker.stop()


def application() -> Any:
    """The ASGI app of one of several serving processes; settings come through the environment."""
    logs.log_to(level=logging.WARNING)
    from dacheng.runtime.web.app import build_app  # noqa: PLC0415 - heavy; only serving needs it

    host = Host.open(load_settings())
    outbox_worker.start(host)
    app = build_app(host)
    host.freeze()
    return app


def work(given: argparse.Namespace, output: Output) -> int:
    """Work off the outbox in a process of its own."""
    host = Host.open(settings_of(given))
    try:
        if given.once:
            done = outbox_worker.drain(host)
            output.result({"done": done}, [f"{done} done"])
            return DONE
        worker = outbox_worker.start(host)
        output.say("Working. Stop with Ctrl-C.")
        worker.wait()
    except KeyboardInterrupt:
        pass
    finally:
        host.close()
    return DONE


def _serve_many(settings: Settings, output: Output) -> int:
    import uvicorn  # noqa: PLC0415 - heavy; only serving needs it

    host = Host.open(settings)
    try:
        announce(host, output)
    finally:
        host.close()
    for name in ("data", "database", "host", "port"):
        os.environ[PREFIX + name.upper()] = str(getattr(settings, name))
    uvicorn.run(
        "dacheng.runtime.cli.serve:application",
        factory=True,
        workers=settings.workers,
        **_server_options(settings),
    )
    return DONE


def _server_options(settings: Settings) -> dict[str, Any]:
    return {
        "host": settings.host,
        "port": settings.port,
        "loop": "uvloop" if sys.platform != "win32" else "asyncio",
        "http": "httptools",
        "ws": "none",
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "date_header": True,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": list(settings.trusted_proxies),
        "timeout_graceful_shutdown": GRACE_SECONDS,
        "h11_max_incomplete_event_size": 65536,
    }
