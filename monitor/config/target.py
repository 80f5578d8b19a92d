"""What is watched: an RFC of an account, with its interval and thresholds resolved."""

from dataclasses import dataclass, field

from monitor.model import Key

CONDITIONS = ("available", "ratio", "days_left")


@dataclass(frozen=True, slots=True)
class Limits:
    """The conditions of one severity; any one is enough, and reached means ≤. None switches it off.

    `available` in stamps, `ratio` of the contracted stamps, `days_left` in days.
    """

    available: int | None
    ratio: float | None
    days_left: float | None


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When to warn, and when it is urgent. Equal ones are one object among 100,000 targets."""

    warning: Limits
    critical: Limits

    def crossed(self) -> frozenset[str]:
        """The conditions whose critical limit exceeds the warning."""
        return frozenset(
            condition
            for condition in CONDITIONS
            if (warning := getattr(self.warning, condition)) is not None
            and (critical := getattr(self.critical, condition)) is not None
            and critical > warning
        )


DEFAULTS = Thresholds(Limits(50, None, 10.0), Limits(10, None, 3.0))

#: Stands for thresholds in fault: it contradicts nothing.
UNKNOWN = Thresholds(Limits(None, None, None), Limits(None, None, None))


@dataclass(frozen=True, slots=True)
class Target:
    """One RFC to watch, or the integrator's pool, whose `rfc` is `monitor.model.IMPLEMENTATION`.

    `interval` in seconds; `expires_at` in seconds since the epoch; `alias` is "" if there is none.
    """

    account: str
    rfc: str
    alias: str
    interval: float
    thresholds: Thresholds
    expires_at: float | None
    key: Key = field(init=False, repr=False, compare=False)  # one for all who refer to it by its key

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.account, self.rfc))
