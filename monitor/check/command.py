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
            became = await ask(config, release, locked)
            for account, what in became.items():
                output.say(f"{account}: {what.words}")
            await _next_call(config, [account for account, what in became.items() if what.done], patience)
        return await _stored(config, locked)


async def _next_call(config: Config, accounts: Collection[str], patience: float) -> None:
    """Wait for what comes of the release of these accounts, `patience` seconds at the most."""
    if accounts:
        output.say(f"waiting: the next call for {', '.join(accounts)}, {patience:.0f} s at the most")
    until = time.monotonic() + patience
    while accounts and time.monotonic() < until:
        await asyncio.sleep(LOOK)
        found = stored.statuses(config, await peek(config.state.url))
        accounts = [one.name for one in found if one.name in accounts and one.released_at is not None]


async def _stored(config: Config, locked: Locked) -> Findings:
    state = State()
    loaded = await peek(config.state.url)
    state.restore(loaded.kept)
    state.apply(config.targets, {account.name: account.place for account in config.accounts})
    by = "as stored by the running service"
    if locked.brief:
        by = f"as stored before; another check polls now ({locked.holder})"
    if others := stored.changed(config, loaded):
        by += f", which has not loaded user and password of {', '.join(others)} as they are now: reload it"
    return judge(state, config, stored.statuses(config, loaded), by)
