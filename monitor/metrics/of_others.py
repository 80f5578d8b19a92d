"""The series of accounts, endpoints and the store."""

from monitor.metrics.family import Family, label
from monitor.state import Snapshot

OTHERS: tuple[Family[Snapshot], ...] = (
    Family(
        "timbres_responses",
        "counter",
        "Answers of the PAC by status code, or by what came instead.",
        lambda snapshot: [
            (f"{label('account', account)},{label('code', code)}", count)
            for (account, code), count in snapshot.responses.items()
        ],
    ),
    Family(
        "timbres_account_held",
        "gauge",
        "Whether nothing is sent for this account until an operator acts.",
        lambda snapshot: [
            (label("account", one.name), 0 if one.hold is None else 1) for one in snapshot.accounts
        ],
    ),
    Family(
        "timbres_account_hold_info",
        "gauge",
        "Why the account is held: the PAC's code, or unverified.",
        lambda snapshot: [
            (f"{label('account', one.name)},{label('code', one.hold)}", 1)
            for one in snapshot.accounts
            if one.hold is not None
        ],
    ),
    Family(
        "timbres_account_unproven",
        "gauge",
        "Whether the login has yet to be seen to work: one call at a time, and waits between them.",
        lambda snapshot: [
            (label("account", one.name), 1 if one.unproven else 0) for one in snapshot.accounts
        ],
    ),
    Family(
        "timbres_polls_in_flight",
        "gauge",
        "Calls under way at an endpoint.",
        lambda snapshot: [(label("pac", one.endpoint), one.in_flight) for one in snapshot.endpoints],
    ),
    Family(
        "timbres_concurrency_limit",
        "gauge",
        "Calls that an endpoint gets at once, as of now.",
        lambda snapshot: [(label("pac", one.endpoint), one.limit) for one in snapshot.endpoints],
    ),
    Family(
        "timbres_state_writable",
        "gauge",
        "Whether the database takes writes.",
        lambda snapshot: [("", 1 if snapshot.store.writable else 0)],
    ),
    Family(
        "timbres_state_write_errors",
        "counter",
        "Writes that the database did not take.",
        lambda snapshot: [("", snapshot.store.write_errors)],
    ),
    Family(
        "timbres_state_queue",
        "gauge",
        "Targets that wait to be written.",
        lambda snapshot: [("", snapshot.store.queue)],
    ),
)
