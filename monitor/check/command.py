"""Who is asked: the PAC, where nothing polls, and what the process that polls has stored, beside one."""

import asyncio
import time
from collections.abc import Collection, Sequence

from monitor import output
from monitor.check import stored
from monitor.check.findings import Findings, judge
from monitor.check.release import LOOK, ask
from monitor.check.round import Round
from monitor.config import Config
from monitor.core import Core
from monitor.state import State
from monitor.store import Locked, StoreUnavailable, peek

TIMEOUT = 120.0  # seconds after which `check` asks no more


async def check(config: Config, release: Sequence[str] = (), patience: float = TIMEOUT) -> Findings:
    """Every target with its level, after the accounts to `release` were. No call begins later than `patience`
    seconds from now.

    Raises `StoreUnavailable` if the database can be used neither way.
    """
    try:
        async with Core(config, brief=True) as core:
            if not core.loaded:
                raise StoreUnavailable("the database cannot be used: nothing was polled")
            for account in release:
                await core.rearm(account)
            source = await Round(core, patience).poll()
            return judge(core.state, config, core.snapshot().accounts, source)
    except Locked as locked:
        if release:
            since = time.time()
            became = await ask(config, release, locked)
            for account in release:
                output.say(f"{account}: {became[account].words if account in became else 'not held'}")
            released = [account for account, what in became.items() if what.done]
            if released:
                await _asked(config, released, since, patience)
        return await _stored(config, locked)


async def _asked(config: Config, accounts: Collection[str], since: float, patience: float) -> None:
    """Wait until what comes of the release of these accounts is stored, `patience` seconds at the most."""
    output.say(f"waiting: the next call for {', '.join(accounts)}, {patience:.0f} s at the most")
    until = time.monotonic() + patience
    while accounts and time.monotonic() < until:
        await asyncio.sleep(LOOK)
        loaded = await peek(config.state.url)
        asked = {account for (account, _), kept in loaded.kept.items() if kept.attempted_at >= since}
        found = stored.statuses(config, loaded)
        accounts = [
            one.name
            for one in found
            if one.name in accounts and (one.released_at is not None or one.name not in asked)
        ]


async def _stored(config: Config, locked: Locked) -> Findings:
    state = State()
    loaded = await peek(config.state.url)
    state.restore(loaded.kept)
    state.apply(config.targets, stored.places(config, loaded))
    by = "as stored by the running service"
    if locked.brief:
        by = f"as stored before; another check polls now ({locked.holder})"
    if others := stored.changed(config, loaded):
        by += f", which has not loaded {', '.join(others)} as in the configuration: reload it"
    return judge(state, config, stored.statuses(config, loaded), by)
