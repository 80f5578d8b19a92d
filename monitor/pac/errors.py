"""Why the PAC gave no numbers.

The tree is as deep as the questions that callers ask::

    PacError
    ├─ Refused       may this credential be used again?   no: hold it
    ├─ Busy          should we slow down?                 yes, for `retry_after` seconds if given
    ├─ Unavailable   is it worth coming back early?       yes
    ├─ Rejected      must a person mend this target?      yes; the others go on
    └─ Garbled       none of these: an answer that means nothing
"""

import re
from typing import ClassVar

from monitor.model import Reason, Verdict

#: Numbers and prefixes of namespaces, which differ from answer to answer.
_VARYING = re.compile(r"[0-9]+|[\w.-]+:(?=[\w.-])")
_SHAPE = 160  # characters that tell answers apart


class PacError(Exception):
    """No numbers. `code` is the label of `timbres_responses_total`, `text` is fit to be shown.

    `shape` is the same for answers that cannot be read for the same reason and begin in the same way; empty
    for those that were read, and for those that never came.
    """

    reason: ClassVar[Reason]

    def __init__(
        self,
        code: str,
        text: str,
        verdict: Verdict = Verdict.NOTHING,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.text = text
        self.verdict = verdict
        self.retry_after = retry_after
        told = f"{code}: {_VARYING.sub('', text)}"
        self.shape = told[:_SHAPE] if verdict is Verdict.UNREADABLE else ""

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


class Refused(PacError):
    """The PAC refuses this login: 600–609, 633."""

    reason = Reason.REFUSED

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text, Verdict.REFUSES)


class Busy(PacError):
    """Too much at once or too often: 503, 632, HTTP 429 and 503."""

    reason = Reason.BUSY


class Unavailable(PacError):
    """Trouble that passes: the network, the PAC's database, a SOAP fault."""

    reason = Reason.UNAVAILABLE


class Rejected(PacError):
    """The request itself is at fault: 611, 612, 624, another namespace, no such service."""

    reason = Reason.REJECTED


class Garbled(PacError):
    """An answer, but not one that can be read."""

    reason = Reason.GARBLED
