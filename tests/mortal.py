"""Crash loops: `python -m tests.mortal --config config.yaml --starts 200 --stride 3`.

Each start is a process of its own that polls everything, as the service does, and is killed by
signal 9 after so many lines of our code have run since the function `--since` was first called:
`--first`, in each start `--stride` more, for each configuration `--shift` more.
One that sends nothing any more is killed as soon as it knows, and says `ended after N` such lines.
For each a line says `killed`, or `not killed`, which is a fault.
"""

import argparse
import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import Any

import monitor
from monitor.app import Monitor
from monitor.config import Config, load
from monitor.core import Core
from monitor.guard import Waits
from monitor.log import Format, configure
from monitor.model import Failure, Reason

Life = Callable[[Config, Waits, Callable[[], None]], Awaitable[None]]

OURS = str(Path(monitor.__file__).parent)
PATIENCE = 30.0  # seconds after which a start that neither dies nor comes to an end is a failure


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Fate:
    """Counts the lines of our code, in all threads, since a function was first called."""

    def __init__(self, since: str, steps: int) -> None:
        self.lived = 0
        self._since = since
        self._steps = steps
        self._begun = False

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(OURS):
            return None
        if code.co_qualname == self._since:
            self._begun = True
        if self._begun and event == "line":
            self.lived += 1
            if self.lived > self._steps:
                die()
        return self.trace


async def poll(config: Config, waits: Waits, ended: Callable[[], None]) -> None:
    """Everything once."""
    async with Core(config, waits=waits) as core:
        turns = (core.turn(target, time.monotonic()) for target in config.targets)
        ends = await asyncio.gather(*turns)
        if any(isinstance(end, Failure) and end.reason in (Reason.HELD, Reason.WAITING) for end in ends):
            ended()


async def serve(config: Config, waits: Waits, ended: Callable[[], None]) -> None:
    """The whole service."""
    async with Monitor(config, waits=waits) as service:
        # A turn may end unsent because another RFC goes first: only a hold and a wait end it all.
        while not any(account.hold or account.next_call for account in service.snapshot().accounts):
            await asyncio.sleep(0.01)
        ended()


def live(life: Life, path: Path, waits: Waits, fate: Fate) -> None:
    def ended() -> None:
        os.write(1, b"ended after %d\n" % fate.lived)
        die()

    threading.settrace(fate.trace)
    sys.settrace(fate.trace)
    asyncio.run(asyncio.wait_for(life(load(path), waits, ended), PATIENCE))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, nargs="+", required=True)
    parser.add_argument("--starts", type=int, required=True)
    parser.add_argument("--since", default="Gate.ready")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--stride", type=int, default=0)
    parser.add_argument("--shift", type=int, default=0)
    parser.add_argument("--lost", type=float, default=Waits().lost)
    parser.add_argument("--whole", action="store_true")
    told = parser.parse_args()
    configure(Format.TEXT)
    life = serve if told.whole else poll
    for place, config in enumerate(told.config):
        for number in range(told.starts):
            fate = Fate(told.since, told.first + place * told.shift + number * told.stride)
            child = os.fork()
            if not child:
                try:
                    live(life, config, Waits(lost=told.lost), fate)
                finally:
                    os._exit(1)
            _, status = os.waitpid(child, 0)
            print("killed" if os.WIFSIGNALED(status) else "not killed", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
