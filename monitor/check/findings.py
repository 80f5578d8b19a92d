"""How every target is, and why no more is known of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.alerts import Level, level, worst
from monitor.config import Config
from monitor.guard import aside, why_held
from monitor.model import AccountStatus, Failure
from monitor.state import Row, State

#: Of the command, as monitoring plug-ins have them.
EXIT_CODES = {Level.OK: 0, Level.WARNING: 1, Level.CRITICAL: 2, Level.UNKNOWN: 3}


@dataclass(frozen=True, slots=True)
class Finding:
    """How a target is. `trouble`: why no more is known of it, "" if all is."""

    row: Row
    level: Level
    trouble: str


@dataclass(frozen=True, slots=True)
class Findings:
    """How everything is, where the numbers come from, in words, and of which configuration file."""

    targets: Sequence[Finding]
    accounts: Sequence[AccountStatus]
    source: str
    config: Config

    @property
    def level(self) -> Level:
        """The worst of all."""
        return worst([found.level for found in self.targets])


def judge(state: State, config: Config, accounts: Sequence[AccountStatus], source: str) -> Findings:
    now, expire_after = time.time(), config.poll.expire_after
    statuses = {one.name: one for one in accounts}
    targets = [
        Finding(
            row,
            level(row, now, expire_after, held=statuses[row.target.account].hold is not None),
            _trouble(row, now, expire_after, statuses[row.target.account]),
        )
        for row in state.rows()
    ]
    return Findings(targets, accounts, source, config)


def _trouble(row: Row, now: float, expire_after: float, account: AccountStatus) -> str:
    if (refusal := account.refusal(row.target.rfc)) is not None:
        return aside(refusal)
    if isinstance(row.last, Failure):
        return row.last.text
    if account.hold is not None:
        return why_held(account.hold, account.rfc, account.text)
    if row.failed or row.reading is None:
        if account.text and account.rfc == row.target.rfc:
            return account.text
        return "no numbers when last asked" if row.failed else "not asked yet"
    return "" if row.fresh(now, expire_after) else "the last reading is too old"
