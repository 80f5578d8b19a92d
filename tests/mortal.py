"""A crash loop: `python -m tests.mortal --config config.yaml --starts 200 --stride 3`.

Each start is a process of its own that polls everything, as the service does, and is killed by
signal 9 after so many lines of our code have run since its first intent: 0, then 3, 6 and so on.
One that has nothing to send any more is killed as soon as it knows. For each a line of JSON tells how it ended.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import monitor
from monitor.app import Monitor
from monitor.config import Config, load
from monitor.core import Core
from monitor.log import Format, configure
from monitor.model import Failure, Reason

OURS = str(Path(monitor.__file__).parent)
PATIENCE = 30.0  # seconds after which a start that neither dies nor comes to an end is a failure


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Fate:
    """Counts the lines of our code, in all threads, from the first intent on; 0 of them is at once."""

    def __init__(self, steps: int) -> None:
        self.lived = 0
        self._steps = steps
        self._begun = False

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(OURS):
            return None
        if code.co_qualname == "Gate.intend":
            self._begun = True
        if self._begun and event == "line":
            self.lived += 1
            if self.lived > self._steps:
                die()
        return self.trace


async def poll(config: Config) -> bool:
    """Everything once. Whether a turn ended unsent."""
    async with Core(config) as core:
        turns = (core.turn(target, time.monotonic()) for target in config.targets)
        ends = await asyncio.gather(*turns)
        return any(isinstance(end, Failure) and end.reason is Reason.HELD for end in ends)


async def serve(config: Config) -> bool:
    """The whole service, until a turn ended unsent."""
    async with Monitor(config) as service:
        while not any(
            isinstance(row.last, Failure) and row.last.reason is Reason.HELD for row in service.snapshot().rows
        ):
            await asyncio.sleep(0.01)
        return True


def live(path: Path, steps: int, *, whole: bool) -> None:
    fate = Fate(steps)
    threading.settrace(fate.trace)
    sys.settrace(fate.trace)
    config = load(path)
    if asyncio.run(asyncio.wait_for((serve if whole else poll)(config), PATIENCE)):
        os.write(1, b"%d\n" % fate.lived)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--starts", type=int, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--whole", action="store_true")
    told = parser.parse_args()
    configure(Format.TEXT)
    for number in range(told.starts):
        steps = told.first + number * told.stride
        child = os.fork()
        if not child:
            try:
                live(told.config, steps, whole=told.whole)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"steps": steps, "killed": os.WIFSIGNALED(status)}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
