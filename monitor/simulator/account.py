"""What the pretend PAC knows about its customers: logins, and stamps that burn with time."""

from dataclasses import dataclass, field


@dataclass
class Issuer:
    """The stamps of one RFC, or of an integrator's own pool. Quantities are whole stamps.

    Every field may be changed while the simulator runs.

    contracted: bought since the beginning.
    used: spent since the beginning.
    reserved: neither used nor available, such as expired stamps.
    burn: stamps used a second, by the clock of the `Pac`; fractions accumulate; stops when none are left.
    top_up: stamps bought each time that the available ones fall to `top_up_at` or below; 0 for never.
    """

    contracted: int
    used: int = 0
    reserved: int = 0
    burn: float = 0.0
    top_up: int = 0
    top_up_at: int = 0
    _owed: float = field(default=0.0, init=False, repr=False)
    _at: float | None = field(default=None, init=False, repr=False)

    @property
    def available(self) -> int:
        """Stamps left; never below 0."""
        return max(0, self.contracted - self.used - self.reserved)

    def settle(self, now: float) -> None:
        """Burn what is due since the last call, buying as it goes; `now` in seconds of a steady clock."""
        elapsed = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        self._owed += self.burn * elapsed
        due = int(self._owed + 1e-9)  # ten times 0.1 is a whole stamp
        self._owed = max(0.0, self._owed - due)
        if self.top_up <= 0:
            self.used += min(due, self.available)
            return
        self.used += due
        short = self.top_up_at - (self.contracted - self.used - self.reserved)
        if short >= 0:  # as many purchases as it takes to be above the mark again
            self.contracted += self.top_up * (short // self.top_up + 1)


@dataclass
class Account:
    """A login of the PAC and the issuers that it may ask about.

    issuers: by RFC.
    pool: what `getTimbresImplementacion` tells; `None` if the account has no such pool.
    latency: seconds before each answer of this account, added to that of the `Pac`.
    state: 200, or what a *right* login is answered instead: 603, 604, 605, 633, or 602 for a locked
        account, which says 602 to any login. The PAC sets 602 by itself after too many failures;
        only setting it back to 200 unlocks.
    failures: wrong logins in a row; a right one resets it.
    """

    username: str
    password: str = field(repr=False)
    issuers: dict[str, Issuer]
    pool: Issuer | None = None
    latency: float = 0.0
    state: int = 200
    failures: int = 0

    def login(self, password: str, lock_after: int) -> int:
        """The status code of this login: 200, or the refusal. Wrong ones count, and lock in the end."""
        if self.state == 602:
            return 602
        if password != self.password:
            self.failures += 1
            if self.failures >= lock_after:
                self.state = 602
            return 601
        self.failures = 0
        return self.state
