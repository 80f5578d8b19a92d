"""What we were told: the configuration, checked and resolved."""

from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from monitor.config.account import Account
from monitor.config.fault import Fault
from monitor.config.schema import Poll, State, ToldFile, Web
from monitor.config.target import Target


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that the service needs to know; it never changes, a reload makes another.

    `targets` are all RFCs of all accounts, from YAML and CSV, and the integrators' pools.
    """

    path: Path
    web: Web
    state: State
    timezone: ZoneInfo
    poll: Poll
    alertmanagers: tuple[str, ...]
    accounts: tuple[Account, ...]
    targets: tuple[Target, ...] = field(repr=False)
    warnings: tuple[Fault, ...]
    told: ToldFile = field(repr=False)

    def masked(self) -> str:
        """The effective configuration as YAML: defaults filled in, secrets as `<secret>`."""
        return yaml.safe_dump(self.told.model_dump(), allow_unicode=True, sort_keys=False)
