"""The service as a process of its own, as a user runs it, and what it serves."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

COMMAND = (sys.executable, "-m", "monitor")

Labels = dict[str, str]


class Exposition:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._values: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._values[sample.name, frozenset(sample.labels.items())] = sample.value

    def __call__(self, name: str, **labels: str) -> float | None:
        """The value of one series, `None` if it does not exist."""
        return self._values.get((name, frozenset(labels.items())))

    def all(self, name: str, **labels: str) -> dict[str, float]:
        """Values of every series with these labels and one more, by that one's value."""
        wanted = frozenset(labels.items())
        return {
            next(iter(rest))[1]: value
            for (sample, series), value in self._values.items()
            if sample == name and wanted <= series and len(rest := series - wanted) == 1
        }

    def total(self, name: str, **labels: str) -> float:
        """The sum over every series that has these labels."""
        wanted = frozenset(labels.items())
        return sum(v for (sample, series), v in self._values.items() if sample == name and wanted <= series)


class Service:
    """A running `timbres-monitor`. `log` is what it wrote to standard error, `output` the rest."""

    def __init__(self, process: asyncio.subprocess.Process, http: aiohttp.ClientSession) -> None:
        self.process = process
        self.address = ""
        self.log: list[str] = []
        self.output: list[str] = []
        self.http = http
        self.readers = asyncio.gather(self._read_log(), self._read_output())

    async def get(self, path: str) -> str:
        """The text of a page."""
        async with self.http.get(f"{self.address}{path}") as response:
            assert response.status == 200, await response.text()
            return await response.text()

    async def metrics(self) -> Exposition:
        return Exposition(await self.get("/metrics"))

    async def until(self, condition: Callable[[Exposition], object], *, seconds: float = 30.0) -> Exposition:
        """The first scrape of which the condition is true."""
        async with asyncio.timeout(seconds):
            while True:
                scrape = await self.metrics()
                if condition(scrape):
                    return scrape
                await asyncio.sleep(0.1)

    async def until_log(self, pattern: str, *, times: int = 1, seconds: float = 30.0) -> str:
        """The first line of the log that matches, or the second, or …: a page may know sooner than it."""
        async with asyncio.timeout(seconds):
            while True:
                lines = [line for line in self.log if re.search(pattern, line)]
                if len(lines) >= times:
                    return lines[times - 1]
                await asyncio.sleep(0.05)

    def hang_up(self) -> None:
        """Ask for a reload."""
        self.process.send_signal(signal.SIGHUP)

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end; its exit code. All it wrote is read by then."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        code = await asyncio.wait_for(self.process.wait(), 60)
        await self.readers
        return code

    async def _read_log(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            text = line.decode().rstrip()
            self.log.append(text)
            if match := re.search(r"""address(?:=|": ")(http://[^\s"]+)""", text):
                self.address = match[1]

    async def _read_output(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.output.append(line.decode().rstrip())


@asynccontextmanager
async def command(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    wrapper: tuple[str, ...] = (),
    program: tuple[str, ...] = COMMAND,
) -> AsyncIterator[Service]:
    """Run any command until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *wrapper,
        *program,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(env or {})},
    )
    async with aiohttp.ClientSession() as http:
        service = Service(process, http)
        try:
            yield service
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await service.readers


@asynccontextmanager
async def running(
    config: Path,
    *options: str,
    env: Mapping[str, str] | None = None,
    wrapper: tuple[str, ...] = (),
    program: tuple[str, ...] = COMMAND,
) -> AsyncIterator[Service]:
    """Run the service until the block ends; ready when it begins."""
    arguments = ("run", "--config", str(config), *options)
    async with command(*arguments, env=env, wrapper=wrapper, program=program) as service:
        await service.until_log(r"address=|address\":|Traceback|cannot")
        assert service.address, service.log
        yield service
