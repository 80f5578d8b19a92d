"""Programs from Debian's packages that serve, each as a process of its own."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest


def program(name: str, package: str) -> str:
    """The path of a program; if it is missing, the test fails and names its Debian package."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: apt-get install {package} (Debian package {package})")
    return found


@asynccontextmanager
async def listening(*command: str) -> AsyncIterator[str]:
    """Run a program that logs where it listens, until the block ends; its address, no slash at the end."""
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    log: list[str] = []
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def read(stream: asyncio.StreamReader) -> None:
        async for line in stream:
            log.append(line.decode())
            match = re.search(r'msg="Listening on" address=(\S+)', log[-1])
            if match and not found.done():
                found.set_result(f"http://{match[1]}")
        if not found.done():
            found.set_result("")

    reader = asyncio.create_task(read(process.stderr))
    try:
        async with asyncio.timeout(30):
            address = await found
        assert address, f"{command[0]} does not start: {''.join(log)}"
        yield address
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
            await process.wait()
        await reader
