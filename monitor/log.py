"""How the service logs: structlog to standard error, for people or as JSON. No tracebacks."""

import asyncio
import logging
import math
import sys
import threading
import time
import traceback
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import structlog

from monitor.lines import Lines

EVERY = 60.0  # seconds between two lines about the same fault of ours
KINDS = 100  # of such faults that are told apart


class Format(StrEnum):
    """What `--log-format` takes."""

    TEXT = "text"
    JSON = "json"


def configure(form: Format, level: int = logging.INFO) -> None:
    """Set up structlog, and the standard library's logging (aiohttp, APScheduler) to go through it."""
    stream: Any = Lines(sys.stderr, _tell_lost)
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_exception,
    ]
    foreign: list[Any] = [*shared, _first_line]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form is Format.JSON
        else structlog.dev.ConsoleRenderer(colors=sys.stderr is not None and sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=foreign,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    # What nobody caught would print a traceback, which may quote anything.
    sys.unraisablehook = lambda fault: _log_uncaught(fault.exc_value)
    threading.excepthook = lambda fault: _log_uncaught(fault.exc_value)
    # A tick that finds the one before it still at work is skipped, and says so at every slot.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # Whoever reaches the port could fill the log with malformed requests.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)


def _tell_lost(lines: int) -> None:
    structlog.get_logger().warning("lines of the log were lost: nobody read it fast enough", lines=lines)


class Repeated:
    """Tells a fault once a minute however often it comes, and then how often it came."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[str, tuple[float, int]] = {}  # when last, and how often it came since

    def tell(self, fault: str) -> None:
        now = self._clock()
        last, times = self._told.get(fault, (-math.inf, 0))
        if now - last < EVERY:
            self._told[fault] = last, times + 1
            return
        if len(self._told) >= KINDS:
            self._told.clear()
        self._told[fault] = now, 0
        more = {"times_before": times} if times else {}
        structlog.get_logger().error("internal error", error=fault, **more)


def log_unhandled(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The event loop's handler of what nobody caught."""
    _log_uncaught(context.get("exception"))


def _log_uncaught(error: BaseException | None) -> None:
    _repeated.tell("unknown" if error is None else where(error))


_repeated = Repeated()


def _name_exception(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """The name of an exception instead of its traceback, which may quote anything."""
    info = event.pop("exc_info", None)
    if info:
        kind = info[0] if isinstance(info, tuple) else sys.exc_info()[0]
        event["error"] = getattr(kind, "__name__", "unknown")
    return event


def _first_line(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """Of a library's words, the line that names the trouble: asyncio's next ones quote exceptions."""
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


def where(error: BaseException) -> str:
    """The kind and the place of a fault of ours: what a traceback tells, without what it may quote."""
    frames = traceback.extract_tb(error.__traceback__)
    return (
        f"{type(error).__name__} at {frames[-1].filename}:{frames[-1].lineno}"
        if frames
        else type(error).__name__
    )
