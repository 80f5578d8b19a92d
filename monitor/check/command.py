"""Who is asked: the PAC, where no service runs, and what the running service has stored, beside one."""

import asyncio
import time
from collections.abc import Iterable, Sequence

from monitor.check.findings import Findings, judge
from monitor.check.round import Round
from monitor.config import Config
from monitor.core import Core
from monitor.guard import Credential, recall
from monitor.model import AccountStatus, Standing
from monitor.state import State
from monitor.store import Loaded, Locked, StoreUnavailable, is_there, peek, pending, recogniser, request_rearm

OBEYED_WITHIN = 5.0  # seconds that `rearm` waits for the running service
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
            left = await Round(core, patience).poll()
            source = f"polled now, but for {left} RFCs: no time was left" if left else "polled now"
            return judge(core.state, config, core.snapshot().accounts, source)
    except Locked:
        if release:
            await _ask_the_service(config, release)
        return await _from_the_service(config)


async def _from_the_service(config: Config) -> Findings:
    state = State()
    loaded = await peek(config.state.url)
    state.restore(loaded.kept)
    state.apply(config.targets, {account.name: account.place for account in config.accounts})
    return judge(state, config, _stored(config, loaded), "as stored by the running service")


def _stored(config: Config, loaded: Loaded) -> list[AccountStatus]:
    """What is stored of the accounts. Raises `StoreUnavailable`."""
    fingerprint = recogniser(config.state.url)
    spellings: dict[Credential, set[Credential]] = {}
    for account in config.accounts:
        spellings.setdefault(account.credential, set()).add(account.spelled)
    return [
        _status(account.name, recall(loaded.standings, fingerprint, key, spellings[key])[0])
        for account in config.accounts
        for key in [account.credential]
    ]


def _status(account: str, standing: Standing) -> AccountStatus:
    next_call = standing.at + standing.wait if standing.at is not None and standing.wait else None
    set_aside = tuple(one.rfc for one in standing.refusals if one.set_aside)
    at, rfc, text = standing.at, standing.rfc, standing.text
    return AccountStatus(account, standing.hold, not standing.worked, at, rfc, text, next_call, set_aside)


async def rearm(config: Config, accounts: Sequence[str]) -> dict[str, str]:
    """Release these accounts: what became of each, in words.

    Raises `StoreUnavailable`.
    """
    if not is_there(config.state.url):
        raise StoreUnavailable("there is no database yet: nothing is held")
    try:
        async with Core(config, brief=True) as core:
            if not core.loaded:
                raise StoreUnavailable("the database cannot be used: nothing was released")
            needing = _needing(core.snapshot().accounts, accounts)
            for account in needing:
                await core.rearm(account)
            words = "released; no service runs"
    except Locked:
        needing = _needing(_stored(config, await peek(config.state.url)), accounts)
        obeyed = await _ask_the_service(config, needing) if needing else True
        words = "released" if obeyed else "asked to be released, but the service has not answered yet"
    return {account: words if account in needing else "not held" for account in accounts}


def _needing(statuses: Iterable[AccountStatus], accounts: Sequence[str]) -> list[str]:
    """Those that are held, wait, or have RFCs that were set aside."""
    return [
        one.name
        for one in statuses
        if one.name in accounts and (one.hold is not None or one.next_call is not None or one.set_aside)
    ]


async def _ask_the_service(config: Config, accounts: Sequence[str]) -> bool:
    """Whether it has released them, within a few seconds."""
    await request_rearm(config.state.url, accounts)
    deadline = time.monotonic() + OBEYED_WITHIN
    while time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        if not set(accounts) & set(await pending(config.state.url)):
            return True
    return False
