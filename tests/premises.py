"""Where whole services run: a configuration, secrets in files, a database, and eyes on all they write."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.issuers import write
from tests.secrecy import Secrets
from tests.service import COMMAND, Service, command, running

IMPATIENT = (sys.executable, "-m", "tests.impatient")
PAGES = ("/", "/metrics", "/config", "/api/v1/quotas")
ENV = {"PYTHONPATH": str(Path(__file__).parent.parent), "TERM": "dumb"}


async def until(condition: Callable[[], object], *, seconds: float = 60.0) -> None:
    """Wait until the condition is true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def until_page(
    service: Service, path: str, condition: Callable[[str], object], *, seconds: float = 60.0
) -> str:
    """The first text of a page of which the condition is true. For pages too long to be parsed."""
    async with asyncio.timeout(seconds):
        while not condition(text := await service.get(path)):
            await asyncio.sleep(0.3)
    return text


class Premises:
    """Every service and command that a test runs here is watched: `check` says what was told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        self.state = folder / "state"
        self.state.mkdir(0o700)
        self.secrets = Secrets()
        self._seen = 0  # places that were searched
        self._leaks: list[str] = []

    def secret(self, name: str, password: str) -> dict[str, str]:
        """Write a password into a file, and tell how the configuration names it."""
        path = self.folder / "secrets" / name
        path.parent.mkdir(0o700, exist_ok=True)
        path.touch(0o600)
        path.write_text(password + "\n", encoding="utf-8")
        return {"file": f"secrets/{name}"}

    def roster(self, name: str, rfcs: Iterable[str]) -> str:
        """Write a CSV file of RFCs; its name."""
        text = "\n".join(("rfc", *rfcs)) + "\n"
        (self.folder / f"{name}.csv").write_text(text, encoding="utf-8")
        return f"{name}.csv"

    def account(self, endpoint: str, name: str = "norte", **rest: Any) -> dict[str, Any]:
        """An account of the configuration, whose password is in the file of its name."""
        told = {"name": name, "endpoint": endpoint, "username": f"ws@{name}.example"}
        return told | {"password": {"file": f"secrets/{name}"}} | rest

    def configure(
        self, *accounts: dict[str, Any], lifecycle: bool = False, name: str = "", **poll: Any
    ) -> Path:
        """Write the configuration, or one that is called `name`; nobody has read it yet."""
        told = {
            "web": {"listen": "127.0.0.1:0", "lifecycle": lifecycle},
            "state": {"url": f"sqlite:///state/{name or 'timbres'}.db"},
            "poll": {"interval": "1s"} | poll,
            "accounts": list(accounts),
        }
        return write(self.config.with_stem(name) if name else self.config, told)

    @asynccontextmanager
    async def running(self, *options: str) -> AsyncIterator[Service]:
        """Run the service until the block ends, with shorter waits if `options` ask for that."""
        program = IMPATIENT if options else COMMAND
        service = None
        try:
            async with running(self.config, *options, env=ENV, program=program) as service:
                yield service
                if service.process.returncode is None:
                    await self.look(service)
                    assert await service.stop() == 0, service.log
        finally:
            if service is not None:
                self._search_output(service)

    async def kill(self, service: Service) -> None:
        """`kill -9`."""
        os.kill(service.process.pid, signal.SIGKILL)
        await service.process.wait()
        self._search_database()

    async def command(self, *arguments: str, program: tuple[str, ...] = COMMAND) -> tuple[int, str]:
        """Run a command to its end: the exit code and what it printed."""
        async with command(*arguments, env=ENV, program=program) as done:
            code = await asyncio.wait_for(done.process.wait(), 120)
        self._search_output(done)
        return code, "\n".join(done.output)

    async def look(self, service: Service) -> None:
        """Search what is to be seen of a running service."""
        for path in PAGES:
            self.search(path, (await service.get(path)).encode())
        self.search("the process list", Path(f"/proc/{service.process.pid}/cmdline").read_bytes())
        self._search_database()

    def search(self, place: str, data: bytes) -> None:
        """Look for every secret in `data`, which was found at `place`."""
        self._seen += 1
        self._leaks += [f"{name}, in {place}" for name in self.secrets.told(data)]

    def check(self) -> None:
        """Raise if a secret was told anywhere."""
        self._search_database()
        assert self._seen, "nothing was searched"
        assert not self._leaks, sorted(set(self._leaks))

    def _search_output(self, service: Service) -> None:
        text = "\n".join((*service.log, *service.output))
        self.search("the log or the output", text.encode())
        assert "Traceback" not in text, text
        assert "internal error" not in text, text

    def _search_database(self) -> None:
        for file in self.state.rglob("*"):
            if file.is_file():
                self.search(f"the file {file.name}", file.name.encode() + file.read_bytes())
