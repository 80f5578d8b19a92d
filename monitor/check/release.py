"""`rearm`: held accounts are released, at once where nothing runs, or by whoever polls."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.check import stored
from monitor.config import Config
from monitor.core import Core
from monitor.model import AccountStatus, Standing
from monitor.store import Locked, StoreUnavailable, is_there, peek, request_rearm, withdraw

OBEYED_WITHIN = 5.0  # seconds that whoever polls has to obey
LOOK = 0.2

NEXT = "one login goes out, with the user and password as they are"


@dataclass(frozen=True, slots=True)
class Release:
    """What became of an account, in words. `done`: it is not held any more, or was not."""

    words: str
    done: bool = True


NOT_LOADED = Release(
    "not released: the service has not loaded this account as it is in the configuration; reload it first"
    " (SIGHUP)",
    done=False,
)


async def rearm(config: Config, accounts: Sequence[str]) -> dict[str, Release]:
    """Release these accounts. Raises `StoreUnavailable`."""
    if not is_there(config.state.url):
        raise StoreUnavailable("there is no database yet: nothing is held")
    try:
        async with Core(config, brief=True) as core:
            if not core.loaded:
                raise StoreUnavailable("the database cannot be used: nothing was released")
            needing = _needing(core.snapshot().accounts, accounts)
            for account in needing:
                await core.rearm(account)
            found = dict.fromkeys(
                needing, Release(f"released; no service runs: with the next `run` or `check` {NEXT}")
            )
    except Locked as locked:
        found = await ask(config, accounts, locked)
    return {account: found.get(account, Release("not held")) for account in accounts}


async def ask(config: Config, accounts: Sequence[str], locked: Locked) -> dict[str, Release]:
    """Have whoever has the lock release those of these accounts that need it. Raises `StoreUnavailable`."""
    loaded = await peek(config.state.url)
    others = stored.changed(config, loaded)
    stale = dict.fromkeys((name for name in accounts if name in others), NOT_LOADED)
    needing = [one for one in _needing(stored.statuses(config, loaded), accounts) if one not in stale]
    if not needing:
        return stale
    by = f"the {'`check` that polls now' if locked.brief else 'running service'} ({locked.holder})"
    before = stored.standings(config, loaded)
    requests = await request_rearm(config.state.url, needing)
    try:
        done = await _released(config, needing, before)
    finally:
        # What nobody has obeyed must not release a hold of tomorrow.
        void = await withdraw(config.state.url, requests)
    released = Release(f"released by {by}: {NEXT}")
    words = f"not released: {by} has not done it within {OBEYED_WITHIN:.0f} s; try again"
    failed = Release(words, done=False)
    return stale | {name: released if name in done and not void else failed for name in needing}


async def _released(config: Config, accounts: Sequence[str], before: Mapping[str, Standing]) -> set[str]:
    """Those of which something has become, be it that one is held again already."""
    deadline = time.monotonic() + OBEYED_WITHIN
    done: set[str] = set()
    while time.monotonic() < deadline and len(done) < len(accounts):
        await asyncio.sleep(LOOK)
        now = stored.standings(config, await peek(config.state.url))
        done = {name for name in accounts if now[name] != before[name]}
    return done


def _needing(statuses: Iterable[AccountStatus], accounts: Sequence[str]) -> list[str]:
    """Those that are held, wait, or have RFCs that were set aside."""
    return [
        one.name
        for one in statuses
        if one.name in accounts and (one.hold is not None or one.next_call is not None or one.set_aside)
    ]
