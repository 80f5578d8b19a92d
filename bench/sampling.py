"""Where the time of the main thread goes: its frame at every millisecond of CPU that the process uses."""

import signal
from collections import Counter
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

EVERY = 0.001  # CPU seconds
MOST = 25  # functions in a summary


class Sampler:
    """`with Sampler() as sampler`: counts by function. Own time includes the C functions that it calls."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def __enter__(self) -> Self:
        signal.signal(signal.SIGPROF, self._sample)
        self.go_on()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pause()
        signal.signal(signal.SIGPROF, signal.SIG_IGN)

    def go_on(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)

    def pause(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0.0)

    def summary(self) -> dict[str, Any]:
        """Shares of the samples: by library, and of the functions that have the most."""
        total = max(1, self._counts.total())
        libraries: Counter[str] = Counter()
        for (where, _), count in self._counts.items():
            libraries[where.partition("/")[0]] += count
        return {
            "samples": self._counts.total(),
            "libraries": {name: count / total for name, count in libraries.most_common(12)},
            "functions": [
                [f"{where} {name}", count / total] for (where, name), count in self._counts.most_common(MOST)
            ],
        }

    def _sample(self, _: int, frame: FrameType | None) -> None:
        if frame is not None:
            code = frame.f_code
            self._counts[_short(code.co_filename), code.co_qualname] += 1


def _short(file: str) -> str:
    """A file by its library: `aiohttp/client.py`, `asyncio/events.py`, `monitor/state.py`."""
    parts = Path(file).parts
    for place, part in enumerate(parts):
        if part in ("site-packages", "monitor", "bench"):
            return "/".join(parts[place + (part == "site-packages") :])
    return "/".join(parts[-2:])
