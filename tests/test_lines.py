"""The log keeps nobody waiting, whoever reads it."""

import asyncio
import fcntl
import io
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from monitor.lines import Lines
from monitor.simulator import Pac
from tests.service import COMMAND, Exposition
from tests.test_check import RFCS, account, configure, customer


def pipe() -> tuple[int, Any]:
    """A short one."""
    ours, theirs = os.pipe()
    fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
    return ours, os.fdopen(theirs, "w", encoding="utf-8")


def test_lines_that_nobody_reads_are_lost_and_counted_and_the_others_are_whole() -> None:
    ours, stream = pipe()
    lost: list[int] = []
    lines = Lines(stream, lost.append, most=10)
    for number in range(200):
        lines.write(f"{number:0100}\n")
    data = b""
    while data.count(b"\n") + sum(lost) < 200:
        if select.select([ours], [], [], 0.05)[0]:
            data += os.read(ours, 1000)
    os.close(ours)
    stream.close()
    numbers = [int(line) for line in data.split()]
    assert numbers == sorted(numbers)
    assert 10 <= len(numbers) < 200


@pytest.mark.parametrize("is_blocking", [True, False])
def test_a_long_line_is_written_whole_in_its_own_time(is_blocking: bool) -> None:
    ours, stream = pipe()
    os.set_blocking(stream.fileno(), is_blocking)
    lines = Lines(stream, lambda _: None)
    lines.write("ñ" * 20_000 + "\n")
    data = b""
    while not data.endswith(b"\n"):
        data += os.read(ours, 1000)
    assert data.decode() == "ñ" * 20_000 + "\n"
    os.close(ours)
    lines.write("nobody is there\n")
    lines.drain()
    stream.close()
    lines.write("nor is the stream\n")
    lines.drain()


def test_without_a_stream_or_with_one_that_is_no_file_nothing_fails() -> None:
    assert Lines(None, lambda _: None).write("x") == 1
    text = io.StringIO()
    lines = Lines(text, lambda _: None)
    lines.write("a line\n")
    lines.drain()
    assert text.getvalue() == "a line\n"


@pytest.mark.slow
async def test_a_log_that_nobody_reads_stops_neither_polls_nor_pages_nor_the_end(tmp_path: Path) -> None:
    told = RFCS[:100]
    pac = Pac([customer(dict.fromkeys(told, 1_000))])
    ours, stream = pipe()
    async with pac.serve() as url, aiohttp.ClientSession() as http:
        config = configure(tmp_path, account(url, *told, max_in_flight=16), web={"listen": "127.0.0.1:0"})
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "run", "--config", str(config), stderr=stream
        )
        stream.close()
        head = await asyncio.to_thread(first_lines, ours)
        address = head.rpartition("address=")[2].split()[0]

        async def scrape() -> Exposition:
            async with asyncio.timeout(10), http.get(f"{address}/metrics") as answer:
                return Exposition(await answer.text())

        async with asyncio.timeout(60):
            for number in range(8):  # every RFC says a line a second, of which 4 KiB hold some thirty
                pac.faults = {"*": "500"} if number % 2 else {}
                polls = (await scrape()).total("timbres_polls_total")
                while (await scrape()).total("timbres_polls_total") < polls + 100:
                    await asyncio.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            assert await process.wait() == 0
    os.close(ours)


def first_lines(file: int) -> str:
    text = b""
    while b"address=" not in text or not text.endswith(b"\n"):
        text += os.read(file, 4096)
    return text.decode()


def test_the_last_line_of_a_process_is_written() -> None:
    program = (
        "import structlog; from monitor.log import Format, configure; configure(Format.TEXT)\n"
        "for number in range(500): structlog.get_logger().info('line', number=number)\n"
    )
    import subprocess

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert len(done.stderr.splitlines()) == 500
    assert done.stderr.endswith("number=499\n")
