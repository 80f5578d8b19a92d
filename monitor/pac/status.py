"""The one table of the vendor's status codes."""

from monitor.model import Quota, Verdict
from monitor.pac.errors import Busy, Garbled, PacError, Refused, Rejected, Unavailable
from monitor.pac.reply import Reply

#: Codes that are news, not errors: no stamps are left.
EXHAUSTED = {"630", "631"}

ERRORS: dict[str, tuple[type[PacError], str]] = {
    "500": (Unavailable, "error at the PAC"),
    "501": (Unavailable, "the PAC cannot reach its database"),
    "502": (Unavailable, "the PAC cannot store in its database"),
    "503": (Busy, "limit of concurrent database licences at the PAC"),
    "601": (Refused, "wrong user or password"),
    "602": (Refused, "user locked"),
    "603": (Refused, "password expired"),
    "604": (Refused, "too many failed logins"),
    "605": (Refused, "user inactive"),
    "611": (Rejected, "incomplete request"),
    "612": (Rejected, "malformed request"),
    "624": (Rejected, "the PAC reports a uniqueness fault"),
    "632": (Busy, "limit of fair use"),
    "633": (Refused, "test account in production or the reverse"),
}


def judge(reply: Reply) -> Quota:
    """The numbers of a reply, or the `PacError` that its status code means.

    Numbers count only under 200, and then all three must be there: zero is news, absence a fault.
    """
    code = reply.status
    if code == "200":
        contracted, used, available = map(reply.number, ("contratados", "usados", "disponibles"))
        if contracted is None or used is None or available is None:
            # The login was good: only the numbers were not.
            text = "status 200 without three plain numbers"
            raise Garbled(code, text, Verdict.PROVES)
        return Quota(contracted, used, available)
    if code in EXHAUSTED:
        return Quota(None, None, 0, code)
    error, meaning = ERRORS.get(code, (Garbled, "unknown status" if code != "other" else "no status"))
    raise error(code, f"{meaning} ({reply.message})" if reply.message else meaning)
