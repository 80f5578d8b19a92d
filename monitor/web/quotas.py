"""The data of `/api/v1/quotas`."""

import json
from typing import Any

from monitor.model import Failure, threshold
from monitor.state import Row, Snapshot


def quotas(snapshot: Snapshot) -> bytes:
    """All targets as JSON; times in epoch seconds, quantities in stamps, `null` for the unknown."""
    rows = [quota(row, snapshot) for row in snapshot.rows]
    return json.dumps({"at": snapshot.at, "quotas": rows}, ensure_ascii=False).encode(errors="replace")


def quota(row: Row, snapshot: Snapshot) -> dict[str, Any]:
    """One target. Numbers older than `expire_after` are not shown, as in the metrics."""
    target, reading, last = row.target, row.reading, row.last
    fresh = row.fresh(snapshot.at, snapshot.expire_after)
    contracted = reading.contracted if reading else None
    limits = target.thresholds
    return {
        "account": target.account,
        "rfc": target.rfc,
        "alias": target.alias,
        "contracted": fresh and fresh.contracted,
        "used": fresh and fresh.used,
        "available": fresh and fresh.available,
        "thresholds": {
            "warning": threshold(limits.warning.available, limits.warning.ratio, contracted),
            "critical": threshold(limits.critical.available, limits.critical.ratio, contracted),
        },
        "expires_at": target.expires_at,
        "up": row.up,
        "last_success": reading and reading.at,
        "last_error": {"at": last.at, "reason": last.reason, "code": last.code, "text": last.text}
        if isinstance(last, Failure)
        else None,
    }
