"""The load itself: wrk where it is installed, else a slower loader of our own."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from benchmarks.processes import cpu_seconds, machine_seconds, own_seconds
from benchmarks.target import Ask, Target

# wrk opens all connections at once. With many of them the accept queue would rule p99, so every
# connection first waits: an idle server has then accepted them all.
RAMP_MS, RAMP_FROM = 150, 8
SCRIPT = """
local next_one = 0
local first = tonumber(os.getenv('LOAD_RAMP') or '0')
if first > 0 then
  delay = function()
    if first > 0 then first = first - 1; return RAMP_MS + first % 20 end
    return 0
  end
end
request = function() next_one = next_one % #reqs + 1; return reqs[next_one] end
done = function(s, l, r)
  io.write(string.format('RESULT {"requests":%d,"us":%d,"p50":%.3f,"p99":%.3f,"errors":%d}\\n',
    s.requests, s.duration, l:percentile(50)/1000, l:percentile(99)/1000,
    s.errors.status + s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout))
end
""".replace("RAMP_MS", str(RAMP_MS))


@dataclass(frozen=True)
class Load:
    """One timed run. Times in ms; `cpu_ms` is the server's CPU per request; `foreign` is the CPU
    that other processes took meanwhile, in cores."""

    rps: float
    p50: float
    p99: float
    errors: int
    cpu_ms: float
    foreign: float


@dataclass(frozen=True)
class Count:
    """What a loader saw: requests in `seconds`, latencies in ms."""

    requests: int
    seconds: float
    p50: float
    p99: float
    errors: int


def has_wrk() -> bool:
    """Whether the fast loader is there."""
    return shutil.which("wrk") is not None


def run(target: Target, asks: Sequence[Ask], connections: int, seconds: float, folder: Path) -> Load:
    """Load one target for `seconds`, measuring what its server and everybody else used."""
    root = target.process.pid if target.process else 0
    server, machine, own = cpu_seconds(root), machine_seconds(), own_seconds()
    began = time.perf_counter()
    if has_wrk():
        count = _wrk(target, asks, connections, seconds, folder)
    else:
        count = asyncio.run(_asyncio(target, asks, connections, seconds))
    took = time.perf_counter() - began
    server, machine, own = cpu_seconds(root) - server, machine_seconds() - machine, own_seconds() - own
    return Load(
        rps=round(count.requests / count.seconds, 1),
        p50=count.p50,
        p99=count.p99,
        errors=count.errors,
        cpu_ms=round(server * 1000 / max(1, count.requests), 4),
        foreign=round(max(0.0, machine - server - own) / took, 2),
    )


def _wrk(target: Target, asks: Sequence[Ask], connections: int, seconds: float, folder: Path) -> Count:
    script = folder / "load.lua"
    script.write_text(_lua(asks), "utf-8")
    ramp = connections >= RAMP_FROM
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    finished = subprocess.run(
        [*command, "--timeout", "30s", "-s", str(script), target.spec["base"]],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LOAD_RAMP": str(connections if ramp else 0)},
    )
    line = next((x for x in finished.stdout.splitlines() if x.startswith("RESULT ")), None)
    if line is None:
        raise SystemExit(f"wrk failed: {finished.stdout}{finished.stderr}")
    seen = json.loads(line.removeprefix("RESULT "))
    took = seen["us"] / 1e6 - ramp * RAMP_MS / 1000
    return Count(seen["requests"], took, seen["p50"], seen["p99"], seen["errors"])


def _lua(asks: Sequence[Ask]) -> str:
    """A wrk script that cycles the requests; Lua limits the constants of one function."""
    parts = []
    for number, group in enumerate(_grouped(asks)):
        lines = [f"  reqs[#reqs+1] = wrk.format({_lua_arguments(ask)})" for ask in group]
        parts.append("\n".join([f"local function part{number}()", *lines, "end"]))
    calls = "; ".join(f"part{number}()" for number in range(len(parts)))
    return "\n".join(["reqs = {}", *parts, f"init = function(args) {calls} end", SCRIPT])


def _grouped(asks: Sequence[Ask]) -> list[Sequence[Ask]]:
    return [asks[start : start + 50] for start in range(0, len(asks), 50)]


def _lua_arguments(ask: Ask) -> str:
    headers = ",".join(f"[{_quoted(k.encode())}]={_quoted(v.encode())}" for k, v in ask.headers.items())
    body = _quoted(ask.body) if ask.body else "nil"
    return f"{_quoted(ask.method.encode())}, {_quoted(ask.path.encode())}, {{{headers}}}, {body}"


def _quoted(raw: bytes) -> str:
    plain = (chr(c) if 32 <= c < 127 and c not in (34, 92) else f"\\{c:03d}" for c in raw)
    return '"' + "".join(plain) + '"'


async def _asyncio(target: Target, asks: Sequence[Ask], connections: int, seconds: float) -> Count:
    """The slower loader: it shares its core with nobody, but its own cost limits fast servers."""
    order, latencies, errors = itertools.cycle(asks), [], 0
    limit = time.perf_counter() + seconds

    async def keep_asking() -> int:
        failed = 0
        reader, writer = await asyncio.open_connection(target.address.hostname, target.address.port)
        while (sent := time.perf_counter()) < limit:
            writer.write(_raw(next(order)))
            failed += await _answered(reader) >= 400
            latencies.append((time.perf_counter() - sent) * 1000)
        writer.close()
        await writer.wait_closed()
        return failed

    began = time.perf_counter()
    errors = sum(await asyncio.gather(*(keep_asking() for _ in range(connections))))
    took = time.perf_counter() - began
    cuts = quantiles(latencies, n=100)
    return Count(len(latencies), took, round(cuts[49], 3), round(cuts[98], 3), errors)


def _raw(ask: Ask) -> bytes:
    fields = {"Host": "127.0.0.1", **ask.headers, "Content-Length": str(len(ask.body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{ask.method} {ask.path} HTTP/1.1\r\n{head}\r\n".encode() + ask.body


async def _answered(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = head.split("content-length:")[1].split("\r\n")[0] if "content-length:" in head else "0"
    await reader.readexactly(int(length))
    return int(head.split(" ", 2)[1])
