"""Processes that are measured: what they cost, and that none of them outlives us."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parent.parent


class Died(Exception):
    """A process ended, or fell silent, while it was needed."""


class Process:
    """`with Process("product", [...]) as process`: started now, and gone at the end of the block.

    Should we be killed ourselves, the kernel ends it (`setpriv --pdeathsig`).
    """

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self._log = log
        with log.open("wb") as errors:
            self._popen = subprocess.Popen(  # noqa: S603
                ["/usr/bin/setpriv", "--pdeathsig", "TERM", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
                cwd=ROOT,
            )
        self.pid = self._popen.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._popen.terminate()
        try:
            self._popen.wait(20)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        for stream in (self._popen.stdin, self._popen.stdout):
            if stream is not None:
                stream.close()

    def cpu(self) -> float:
        """CPU seconds so far, of all its threads, also of those that have ended."""
        self.check()
        # What clock_getcpuclockid(3) gives: finer than the 10 ms of /proc/PID/stat.
        return time.clock_gettime((~self.pid) << 3 | 2)

    def rss(self) -> int:
        """Bytes of memory that are its own or used by it."""
        self.check()
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def files(self) -> int:
        """Open files and sockets."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def signal(self, number: int) -> None:
        self._popen.send_signal(number)

    def check(self) -> None:
        """Raise `Died` with its last words if it has ended."""
        if self._popen.poll() is not None:
            words = self._log.read_text(errors="replace")[-2000:]
            raise Died(f"{self.name} ended with {self._popen.returncode}: {words}")

    def tell(self, seconds: float = 60.0) -> Any:
        """The next line that it prints, as JSON, within so many seconds."""
        stream = self._popen.stdout
        if stream is None or not select.select([stream], [], [], seconds)[0]:
            raise Died(f"{self.name} says nothing: {self._log.read_text(errors='replace')[-2000:]}")
        line = stream.readline()
        if not line:
            self._popen.wait(10)
            self.check()
        return json.loads(line)

    def ask(self, question: str, seconds: float = 60.0) -> Any:
        """Its answer to a line of words."""
        self.check()
        if self._popen.stdin is not None:
            self._popen.stdin.write(f"{question}\n".encode())
        return self.tell(seconds)


def python(name: str, *arguments: object, log: Path) -> Process:
    """A module of the benchmark as a process of its own."""
    return Process(name, [sys.executable, "-m", f"bench.{name}", *map(str, arguments)], log)
