"""The service with shorter waits: `python -m tests.impatient run --config config.yaml --lost 1`.

`--unknown FILE`: names, one a line, that cannot be resolved for as long as they stand there. `--stuck FILE`:
names of which the resolver says nothing.
"""

import argparse
import asyncio
import signal
import socket
import time
from pathlib import Path
from typing import Any

from monitor.app import Monitor
from monitor.config import Config, load
from monitor.guard import Waits
from monitor.log import Format, configure


async def serve(config: Config, waits: Waits) -> None:
    """Run until SIGTERM; SIGHUP reloads."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    reloads = set()
    async with Monitor(config, waits=waits) as monitor:
        loop.add_signal_handler(signal.SIGHUP, lambda: reloads.add(asyncio.ensure_future(monitor.reload())))
        await stopped.wait()


def forget(names: Path, *, is_silent: bool = False) -> None:
    """Resolve no name that stands in the file."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
        if names.exists() and host in names.read_text().split():
            if is_silent:
                time.sleep(3600)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolve(host, *rest, **more)

    socket.getaddrinfo = getaddrinfo


def main() -> None:
    waits = Waits()
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["run"])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--answered", type=float, default=waits.answered)
    parser.add_argument("--lost", type=float, default=waits.lost)
    parser.add_argument("--forbidden", type=float, default=waits.forbidden)
    parser.add_argument("--most", type=float, default=waits.most)
    parser.add_argument("--unknown", type=Path)
    parser.add_argument("--stuck", type=Path)
    told = parser.parse_args()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until `serve` takes it over
    configure(Format.TEXT)
    if told.unknown is not None:
        forget(told.unknown)
    if told.stuck is not None:
        forget(told.stuck, is_silent=True)
    waits = Waits(told.answered, told.most, told.lost, told.forbidden, told.most)
    asyncio.run(serve(load(told.config), waits))


if __name__ == "__main__":
    main()
