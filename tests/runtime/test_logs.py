"""T36: one event is one line, whatever it holds."""

import io
import json
import logging

import pytest

from dacheng.runtime.logs import JsonLines


@pytest.mark.parametrize(
    "text", ["a\r\nb", "\x1b[31mred", "\x00\x07", "\u2028x\u0085y", '{"level": "error"}']
)
def test_t36_one_event_is_one_line_of_plain_ascii(text: str) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("dacheng.test_logs")
    logger.propagate = False
    logger.addHandler(handler)
    try:
        logger.error("failed on %s", text, exc_info=ValueError(text))
    finally:
        logger.removeHandler(handler)
    written = stream.getvalue()
    assert written.isascii()
    assert len(written.splitlines()) == 1
    event = json.loads(written)
    assert event["message"] == f"failed on {text}"
    assert "ValueError" in event["error"]
