"""The one table of the vendor's status codes."""

from collections.abc import Callable

from monitor.model import Quota, Verdict
from monitor.pac.errors import Busy, Garbled, PacError, Refused, Rejected, Unavailable
from monitor.pac.reply import Reply
from monitor.pac.withheld import legible

#: Codes that are news, not errors: no stamps are left.
EXHAUSTED = {"630", "631"}

#: The vendor's table has no 600 and 606–609, but they are of its family of login errors.
ERRORS: dict[str, tuple[type[PacError], str]] = {
    "500": (Unavailable, "error at the PAC"),
    "501": (Unavailable, "the PAC cannot reach its database"),
    "502": (Unavailable, "the PAC cannot store in its database"),
    "503": (Busy, "limit of concurrent database licences at the PAC"),
    "600": (Refused, "login refused"),
    "601": (Refused, "wrong user or password"),
    "602": (Refused, "user locked"),
    "603": (Refused, "password expired"),
    "604": (Refused, "too many failed logins"),
    "605": (Refused, "user inactive"),
    **dict.fromkeys(("606", "607", "608", "609"), (Refused, "login refused")),
    "611": (Rejected, "incomplete request"),
    "612": (Rejected, "malformed request"),
    "624": (Rejected, "the PAC reports a uniqueness fault"),
    "632": (Busy, "limit of fair use"),
    "633": (Refused, "test account in production or the reverse"),
}


def judge(reply: Reply, shown: Callable[[str], str] = legible) -> Quota:
    """The numbers of a reply, or the `PacError` that its status code means, with the message as `shown`.

    Numbers count only under 200, and then all three must be there: zero is news, absence a fault. A 200
    without them proves no login: the word about it may stand in an element that nobody reads.
    """
    code = reply.status
    if code == "200":
        contracted, used, available = map(reply.number, ("contratados", "usados", "disponibles"))
        if contracted is None or used is None or available is None:
            raise Garbled(code, "status 200 without three plain numbers", Verdict.UNREADABLE)
        return Quota(contracted, used, available)
    if code in EXHAUSTED:
        return Quota(None, None, 0, code)
    message = shown(reply.message)
    words = f" ({message})" if message else ""
    if code not in ERRORS:
        meaning = "no status" if code == "other" else "unknown status"
        raise Garbled(code, meaning + (words or ", no message"), Verdict.UNREADABLE)
    error, meaning = ERRORS[code]
    raise error(code, meaning + words)
