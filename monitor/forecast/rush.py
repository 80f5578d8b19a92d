"""What the busy times of a month take, beyond ordinary days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.forecast.month import busy_time, has_bonus, index, name_of

#: So many months back count; fewer stamps than so many in each are no busy time.
_MONTHS, _SOME = 3, 4

#: How much months differ as a share of their mean: believed as much as one more month's evidence.
_DIFFER = 0.3

#: A payday that is not yet seen is expected to be like the other one, if so much of that came in one step.
_PAYROLL = 0.7

#: Working days of a busy time, and the days of the latest ones by name, the oldest first.
_PLACES = 9
Times = Mapping[str, Sequence[Sequence[int]]]


@dataclass(frozen=True, slots=True)
class Rush:
    """What a busy time takes beyond ordinary days, in stamps."""

    stamps: float  # the mean of the last three months
    spread: float  # variance over mean, between months
    shape: Sequence[float]  # what came on each of its working days, all months together
    step: float  # the share of its largest day: near 1 for payroll


def busy_times(days: Mapping[int, int], today: int) -> Times:
    """The latest busy times in which something happened; whole ones if there are any."""
    found: dict[tuple[str, int, int], list[int]] = {}
    for day in days:
        if day < today and (busy := busy_time(day)):
            found.setdefault((busy.name, busy.since, busy.until), []).append(day)
    times: dict[str, Sequence[Sequence[int]]] = {}
    for name in ("middle", "turn"):
        seen = [(time, one) for time, one in found.items() if time[0] == name]
        whole = [one for (_, since, until), one in seen if len(one) == until - since + 1]
        latest = whole[-_MONTHS:] or [one for _, one in seen]
        if sum(days[day] for one in latest for day in one) >= _SOME * max(1, len(latest)):
            times[name] = latest
    return times


def rushes(times: Times, beyond: Mapping[int, float], spread: float) -> Mapping[str, Rush]:
    """By name. `beyond` is what each day took beyond the ordinary; `spread` that of ordinary days."""
    found = {name: _rush(latest, beyond, spread) for name, latest in times.items()}
    for name, like in (("middle", "turn"), ("turn", "middle")):
        unseen = name not in found and not any(name_of(day) == name for day in beyond)
        if unseen and like in found and found[like].step > _PAYROLL:
            found[name] = replace(found[like], shape=[1.0] * _PLACES)
    return found


def _rush(latest: Sequence[Sequence[int]], beyond: Mapping[int, float], spread: float) -> Rush:
    shape, amounts, largest = [0.0] * _PLACES, [], 0.0
    for one in latest:
        paydays = 2 if has_bonus(one[-1]) else 1
        amounts.append(max(0.0, sum(beyond[day] for day in one) / paydays))
        largest += max(0.0, *(beyond[day] for day in one)) / paydays
        for day in one:
            shape[index(day)] += max(0.0, beyond[day])
    mean = sum(amounts) / len(amounts)
    if not mean:
        return Rush(0.0, spread, shape, 0.0)
    squares = sum((amount - mean) ** 2 for amount in amounts) + (_DIFFER * mean) ** 2
    variance = squares / len(amounts)
    return Rush(mean, max(spread, variance / mean), shape, min(1.0, largest / sum(amounts)))
