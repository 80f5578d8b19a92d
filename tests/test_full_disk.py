"""A disk that is really full: a hold learned then is on it all the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor.simulator import Account, Issuer, Pac
from tests.issuers import rfcs, write
from tests.premises import ENV, until
from tests.service import running

RFCS = [rfc for rfc, _ in zip(rfcs(), range(3), strict=False)]
PASSWORD = "s3creto"


@dataclass
class Disk:
    """A small file system that only processes which are started through `enter` see at `path`."""

    path: Path
    enter: tuple[str, ...]
    seen_from_here: Path

    def fill(self) -> None:
        with (self.seen_from_here / "filler").open("wb", buffering=0) as file:
            for size in (65536, 4096, 512, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        (self.seen_from_here / "filler").unlink()


@asynccontextmanager
async def small_disk(path: Path) -> AsyncIterator[Disk]:
    path.mkdir()
    script = 'mount -t tmpfs -o size=4m tmpfs "$0" && echo mounted && exec sleep 600'
    holder = await asyncio.create_subprocess_exec(
        *("unshare", "-rm", "sh", "-c", script, str(path)), stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    try:
        assert await holder.stdout.readline() == b"mounted\n"
        enter = ("nsenter", "-t", str(holder.pid), "-m", "-U", "--preserve-credentials")
        yield Disk(path, enter, Path(f"/proc/{holder.pid}/root{path}"))
    finally:
        holder.kill()
        await holder.wait()


async def test_a_hold_learned_on_a_full_disk_outlives_the_process(tmp_path: Path) -> None:
    pac = Pac([Account("ws@norte.example", PASSWORD, {rfc: Issuer(10**6, 100, burn=50.0) for rfc in RFCS})])
    async with pac.serve() as url, small_disk(tmp_path / "disk") as disk:
        account = {"name": "norte", "endpoint": url, "username": "ws@norte.example", "password": PASSWORD}
        told = {
            "web": {"listen": "127.0.0.1:0"},
            "state": {"url": f"sqlite:///{disk.path}/timbres.db"},
            "poll": {"interval": "1s"},
            "accounts": [account | {"rfcs": RFCS}],
        }
        config = write(tmp_path / "config.yaml", told)
        async with running(config, wrapper=disk.enter, env=ENV) as service:
            await service.until(lambda m: m.total("timbres_up") == 3)
            disk.fill()
            await service.until(lambda m: m("timbres_state_writable") == 0)
            pac.rotate("ws@norte.example", "another")
            await service.until(lambda m: m("timbres_account_held", account="norte") == 1)
            service.process.kill()
            await service.process.wait()
        disk.free()
        async with running(config, wrapper=disk.enter, env=ENV) as service:
            await service.until(lambda m: m("timbres_account_held", account="norte") == 1)
            await service.until(
                lambda m: m.total("timbres_poll_errors_total", account="norte", reason="held") >= 3
            )
            assert pac.wrong_logins.total() == 1
            reserve = disk.seen_from_here / "timbres.db.reserve"
            await until(lambda: reserve.stat().st_size == 1024 * 1024)  # and there is room again
