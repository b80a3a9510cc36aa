"""Logs: one event a line, JSON, control characters escaped, so that nothing logged can pose as another event."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import TextIO

LONGEST = 4_000


class JsonLines(logging.Formatter):
    """A record as one line of ASCII JSON: time (UTC), level, logger, message, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        event = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()[:LONGEST],
        }
        if record.exc_info:
            event["error"] = "".join(traceback.format_exception(*record.exc_info))[-LONGEST:]
        return json.dumps(event)


def log_to(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send every logger of this process to one stream (standard error) in this form."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=level, force=True)
