"""What was learned from the PAC, as values. Standard library only.

Times named `at` are seconds since the epoch (wall clock); they are only ever shown or
compared with other wall-clock times. Quantities are whole stamps.
"""

import math
import zlib
from dataclasses import dataclass
from enum import StrEnum

from monitor.value import value

#: The status code of the PAC's limit of fair use: poll that RFC less often.
FAIR_USE = "632"

#: The code of a turn whose credential left the configuration before it could be sent.
RETIRED = "retired"

#: The code of a turn that was not used, as the database takes no writes.
NO_STATE = "state"

#: The value of the `rfc` label for the integrator's own pool, which has no RFC.
IMPLEMENTATION = "implementacion"

#: A target: account name and RFC (or `IMPLEMENTATION`).
Key = tuple[str, str]


class Reason(StrEnum):
    """Why a turn gave no numbers; the `reason` label of `timbres_poll_errors_total`."""

    REFUSED = "refused"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    REJECTED = "rejected"
    GARBLED = "garbled"
    HELD = "held"  # nothing is sent before a person has acted
    WAITING = "waiting"  # nothing is sent yet


class Verdict(StrEnum):
    """What an answer says about the credential that it was asked with."""

    PROVES = "proves"  # it works
    REFUSES = "refuses"  # the PAC said no to this login
    FORBIDDEN = "forbidden"  # HTTP 401, 403, 407: perhaps the PAC, perhaps a firewall
    NOT_SENT = "not_sent"  # the request never left: counts nothing
    LOST = "lost"  # it may have counted as a login; nobody knows
    UNREADABLE = "unreadable"  # an answer that is not understood: it may be a refusal, and counts as lost
    NOTHING = "nothing"  # read, and proves nothing


@value(frozen=True, slots=True)
class Quota:
    """The PAC's answer. `None` means the answer does not say (codes 630 and 631)."""

    contracted: int | None
    used: int | None
    available: int
    code: str = "200"


@value(frozen=True, slots=True)
class Reading:
    """A poll that gave numbers. `contracted` and `used` are `None` until once told."""

    at: float
    contracted: int | None
    used: int | None
    available: int
    code: str


@value(frozen=True, slots=True)
class Failure:
    """A turn that gave none. `retry_after` is in seconds: not before, by the PAC or the gate."""

    at: float
    reason: Reason
    code: str
    text: str
    retry_after: float | None = None
    sent: bool = True  # whether the PAC was asked


Outcome = Reading | Failure


@dataclass(frozen=True, slots=True)
class Refusal:
    """An RFC for which the PAC refused the login, and what it said. It is forgotten when a login with
    this RFC works.
    """

    rfc: str
    code: str
    text: str
    doubted: bool = False  # the login has worked with another RFC since: perhaps it is this one's fault
    set_aside: bool = False  # refused once more after that: not asked until an operator says so


@dataclass(frozen=True, slots=True)
class Standing:
    """What outlives the process of a credential. `wait` in seconds."""

    worked: bool = False  # ever
    hold: str | None = None  # the code that holds it
    lost: int = 0  # lost verdicts in a row
    wait: float = 0.0  # before the next call
    intent: str = ""  # the RFC of a call that may be under way
    # The last answer that did not prove it: when it came, for which RFC, and what it was.
    at: float | None = None
    rfc: str = ""
    text: str = ""
    refusals: tuple[Refusal, ...] = ()


@value(frozen=True, slots=True)
class Forecast:
    """What was said of an issuer at a time; nothing before 7 days of history."""

    at: float
    #: Seconds until the stamps that were available then are used up, at most five years.
    time_left: float | None
    #: The largest consumption in any 24 h of the last 35 days.
    peak_day: int | None


@value(frozen=True, slots=True)
class Kept:
    """What outlives the process of a target. `place`: the endpoint that it was asked at."""

    attempted_at: float  # the last poll that was sent
    reading: Reading | None
    consumed: int | None  # stamps since first seen; `None` before the first reading
    forecast: Forecast | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """Whether the database takes writes, how often it did not, and how many targets wait for it."""

    writable: bool = True
    write_errors: int = 0
    queue: int = 0


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """What the gate of an account knows. `hold` is the code that closed it.

    `at`, `rfc`, `text`: the last answer that did not prove the login, if none has since: when it came
    (epoch seconds), for which RFC, and what it was. Without a text and a hold it was released then, and no
    answer has come since. `next_call`: not before (epoch seconds), if it waits.
    `set_aside`: RFCs that are not asked, as the PAC refuses them while others work. `worked`: ever.
    `lost`: verdicts in a row; two hold one that has never worked.
    """

    name: str
    hold: str | None
    unproven: bool
    at: float | None = None
    rfc: str = ""
    text: str = ""
    next_call: float | None = None
    set_aside: tuple[Refusal, ...] = ()
    worked: bool = False
    lost: int = 0

    @property
    def held_at(self) -> float | None:
        return self.at if self.hold is not None else None

    @property
    def released_at(self) -> float | None:
        """When an operator released it, if nothing has come of that yet."""
        return None if self.hold is not None or self.text else self.at

    def refusal(self, rfc: str) -> Refusal | None:
        """Why this RFC was set aside, if it was."""
        return next((refusal for refusal in self.set_aside if refusal.rfc == rfc), None)

    def document(self) -> dict[str, object]:
        """As `check --output json` and the API tell it; times in epoch seconds."""
        return {
            "name": self.name,
            "hold": self.hold,
            "held_at": self.held_at,
            "released_at": self.released_at,
            "unproven": self.unproven,
            "next_call": self.next_call,
            "last_answer": {"at": self.at, "rfc": self.rfc, "text": self.text} if self.text else None,
            "set_aside": [refusal.rfc for refusal in self.set_aside],
        }


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """Calls under way at an endpoint, and how many may be."""

    endpoint: str
    in_flight: int
    limit: int


def threshold(available: int | None, ratio: float | None, contracted: int | None) -> int | None:
    """The limit in stamps: the larger of `available` and `ratio × contracted`, if any is known.

    A ratio counts once `contracted` is known. Stamps are whole, so `available ≤ limit` is the
    same for the product and its floor; the nudge undoes 0.29 × 100 = 28.999….
    """
    if ratio is None or contracted is None:
        return available
    product = ratio * contracted
    part = math.floor(product + max(1e-9, product * 1e-15))
    return part if available is None else max(available, part)


def share(key: Key) -> float:
    """The stable place of a target in any spread, in [0, 1): by it targets are polled one after another."""
    return zlib.crc32("\0".join(key).encode()) / 2**32
