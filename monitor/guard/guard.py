"""All gates, and which account goes through which."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence

from monitor.config import Account
from monitor.guard.gate import Credential, Gate, Remember
from monitor.guard.standing import Waits
from monitor.model import AccountStatus, Standing

#: What is remembered of a credential, which an older database may know by one of these spellings; and
#: whether it does, so that it is to be stored anew: the next start may spell it in another way.
Recall = Callable[[Credential, Collection[Credential]], tuple[Standing, bool]]


def recall(
    standings: Mapping[str, Standing],
    fingerprint: Callable[[Credential], str],
    credential: Credential,
    spellings: Collection[Credential],
) -> tuple[Standing, bool]:
    """What is remembered by these fingerprints: of several spellings the worst. See `Recall`."""
    if (found := standings.get(fingerprint(credential))) is not None:
        return found, False
    older = [standings[name] for name in map(fingerprint, spellings) if name in standings]
    return max(older, key=_gravity, default=Standing()), bool(older)


def _gravity(standing: Standing) -> tuple[bool, int, float, bool]:
    return standing.hold is not None, standing.lost, standing.wait, standing.worked


class Guard:
    """All gates, of credentials in the configuration and of those that were: flipping to another
    password and back sends nothing with the refused one.
    """

    def __init__(
        self,
        remember: Remember,
        waits: Waits | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._remember = remember
        self._waits = waits or Waits()
        self._clock = clock
        self._wall = wall
        self._recall: Recall = lambda _, __: (Standing(), False)
        self._gates: dict[Credential, Gate] = {}
        self._by_account: dict[str, Gate] = {}

    def restore(self, recall: Recall) -> None:
        """The database is there: begin with what it knows. Nothing was sent before."""
        self._recall = recall
        for credential, gate in self._gates.items():
            gate.restore(*recall(credential, gate.spellings))

    def apply(self, accounts: Sequence[Account], rfcs: Mapping[Credential, int]) -> None:
        """Take over a configuration, with the number of RFCs of each credential. Gates of credentials that
        stay keep what they know.
        """
        sharing: dict[Credential, list[Account]] = {key: [] for key in self._gates}
        for account in accounts:
            sharing.setdefault(account.credential, []).append(account)
        for key, group in sharing.items():
            if key not in self._gates:
                gate = Gate(key, self._remember, self._waits, self._clock, self._wall)
                gate.restore(*self._recall(key, {one for account in group for one in account.spellings}))
                self._gates[key] = gate
            self._gates[key].apply(group, rfcs.get(key, 0))
        self._by_account = {account.name: self._gates[account.credential] for account in accounts}

    def unproven(self) -> list[Gate]:
        """The gates whose next call goes out alone."""
        return [gate for gate in self._gates.values() if gate.accounts and not gate.proven]

    def gate(self, account: str) -> Gate:
        """The gate of a configured account."""
        return self._by_account[account]

    async def save(self) -> None:
        """Write again what could not be written."""
        for gate in list(self._gates.values()):
            if gate.unsaved:
                await gate.save()

    def statuses(self) -> list[AccountStatus]:
        """One for each configured account, in the order of the configuration."""
        return [gate.status(name) for name, gate in self._by_account.items()]
