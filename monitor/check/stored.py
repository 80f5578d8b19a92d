"""What another process that polls has stored of the accounts, with the logins that it has loaded."""

from collections.abc import Sequence

from monitor.config import Config
from monitor.guard import Credential, recall
from monitor.model import AccountStatus, Standing
from monitor.store import Loaded, Polled, recogniser


def standings(config: Config, loaded: Loaded) -> dict[str, Standing]:
    """What is stored of each account's credential. Raises `StoreUnavailable`."""
    fingerprint = recogniser(config.state.url)
    spellings: dict[Credential, set[Credential]] = {}
    for account in config.accounts:
        spellings.setdefault(account.credential, set()).update(account.spellings)
    found = {}
    for account in config.accounts:
        key = account.credential
        ours = recall(loaded.standings, fingerprint, key, spellings[key])[0]
        theirs = loaded.polled.get(account.name)
        found[account.name] = loaded.standings.get(theirs.fingerprint, Standing()) if theirs else ours
    return found


def changed(config: Config, loaded: Loaded) -> list[str]:
    """The accounts that the process that polls has not loaded as they are in the file. Raises
    `StoreUnavailable`.
    """
    fingerprint = recogniser(config.state.url)
    if not loaded.polled:  # by a program that did not tell
        return []
    now = {one.name: Polled(fingerprint(one.credential), one.place) for one in config.accounts}
    return [name for name, told in now.items() if loaded.polled.get(name) != told]


def places(config: Config, loaded: Loaded) -> dict[str, str]:
    """The endpoint at which each account is asked."""
    theirs = {name: told.place for name, told in loaded.polled.items()}
    return {account.name: account.place for account in config.accounts} | theirs


def statuses(config: Config, loaded: Loaded) -> Sequence[AccountStatus]:
    """What is shown of each account. Raises `StoreUnavailable`."""
    return [_status(name, standing) for name, standing in standings(config, loaded).items()]


def _status(account: str, standing: Standing) -> AccountStatus:
    next_call = standing.at + standing.wait if standing.at is not None and standing.wait else None
    set_aside = tuple(one for one in standing.refusals if one.set_aside)
    # Whether it works in that process nobody has stored: what is known is its last answer.
    unproven = not standing.worked or standing.at is not None
    at, rfc, text, worked = standing.at, standing.rfc, standing.text, standing.worked
    lost = standing.lost
    return AccountStatus(account, standing.hold, unproven, at, rfc, text, next_call, set_aside, worked, lost)
