"""Where a monitor runs: a configuration, a CSV file of RFCs, and a database with a past."""

import asyncio
import csv
import json
import math
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from monitor.config import load
from monitor.model import Forecast, Kept, Key, Reading, share
from monitor.rfc import check_digit_ok
from monitor.store import Store

ACCOUNT = "banco"
DAYS = 8  # of the past: a forecast needs seven
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def rfcs() -> Iterator[str]:
    """Some hundred thousand valid RFCs, all different."""
    number = 0
    while True:
        first, second, third = (_LETTERS[number // 26**place % 26] for place in range(3))
        stem = (
            f"{third}{second}{first}{number // 26**3 % 90 + 10}{1 + number % 12:02d}{1 + number % 28:02d}XY"
        )
        yield next(stem + digit for digit in "0123456789A" if check_digit_ok(stem + digit))
        number += 1


def settle(
    folder: Path,
    endpoint: str,
    count: int,
    interval: float,
    *,
    in_flight: int = 64,
    authority: Path | None = None,
) -> Path:
    """Write a configuration of `count` RFCs, each asked every `interval` seconds; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "banco.csv", count)
    account = {
        "name": ACCOUNT,
        "endpoint": endpoint,
        "username": "bench",
        "password": "bench",
        "max_in_flight": in_flight,
        "rfcs_file": "banco.csv",
    }
    if authority is not None:
        account["ca_file"] = str(authority)
    told = {
        "web": {"listen": "127.0.0.1:0", "lifecycle": True},
        "poll": {"interval": f"{math.ceil(interval)}s", "max_in_flight": in_flight},
        "accounts": [account],
    }
    path = folder / "config.yaml"
    path.touch(0o600)
    path.write_text(json.dumps(told, indent=1))
    return path


def write_table(path: Path, count: int, warning: str = "") -> None:
    """The CSV file; `warning`: what every hundredth RFC has for its threshold."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("rfc", "alias", "warning"))
        for number, rfc in enumerate(islice(rfcs(), count)):
            writer.writerow((rfc, f"Empresa {number}", "" if number % 100 else warning))


def remember(path: Path) -> None:
    """Give a configuration a database as after days of polling: readings of the last interval, at the
    phases that the schedule keeps, with forecasts, and some history.
    """
    config = load(path)

    async def write() -> None:
        store = Store(config.state.url)
        await store.open()
        now = time.time()
        places = {account.name: account.place for account in config.accounts}
        for day in range(DAYS, -1, -1):
            kept: dict[Key, Kept] = {}
            for target in config.targets:
                used = 400 - 20 * day
                at = now - 86400 * day - (1 - share(target.key)) * target.interval
                reading = Reading(at, 1000, used, 1000 - used, "200")
                kept[target.key] = Kept(
                    at, reading, used, Forecast(at, 30 * 86400.0, 20), places[target.account]
                )
            if not await store.write(kept, now):
                raise OSError("the database does not take what is to be remembered")
        await store.close()

    asyncio.run(write())
