"""The RFCs that a dashboard looks at, in PromQL.

Two monitors may watch the same RFC, and one of them may have lost the PAC: as in prometheus/rules.yaml
the newest reading counts. Unlike there nothing is kept: a number that has expired is not shown.
"""

from dataclasses import dataclass

ONE = "account, rfc"

#: The numbers of the levels, best first: what `level` gives.
FINE, NO_DATA, WARNING, CRITICAL = range(4)

#: Numbers for `severity`.
_LEVELS = " or ".join(
    f'label_replace(vector({level}), "severity", "{severity}", "", "")'
    for severity, level in (("critical", CRITICAL), ("warning", WARNING))
)


def named(expression: str, label: str, value: str) -> str:
    """The expression with one label more."""
    return f'label_replace({expression}, "{label}", "{value}", "", "")'


@dataclass(frozen=True)
class Targets:
    """`of`: the matchers that choose them, without braces."""

    of: str

    def series(self, metric: str, at: str = "") -> str:
        """What each monitor says; `at` is an offset."""
        return f"{metric}{{{self.of}}}{at}"

    @property
    def stale(self) -> str:
        """True of what a monitor says where another one's reading is newer."""
        success = self.series("timbres_last_success_timestamp_seconds")
        return f"{success} < on ({ONE}) group_left () max by ({ONE}) ({success})"

    def newest(self, metric: str) -> str:
        """What was learned of each of them."""
        return f"min by ({ONE}) ({self.series(metric)} unless {self.stale})"

    def told(self, metric: str, by: str = ONE, at: str = "") -> str:
        """What is configured, or counted, of each of them."""
        return f"max by ({by}) ({self.series(metric, at)})"

    @property
    def left(self) -> str:
        """The share of the contracted stamps that is available."""
        contracted = self.newest("timbres_contracted")
        return f"{self.newest('timbres_available')} / on ({ONE}) ({contracted} > 0)"

    @property
    def level(self) -> str:
        """`CRITICAL` or `WARNING` where a threshold is reached (≤), `NO_DATA` where polls give none; `FINE`.

        As `check` and the alerts have it. No stamps left is critical whatever is configured.
        """
        configured = f"group by ({ONE}) ({self.series('timbres_up')})"
        stamps = self.told("timbres_available_threshold", f"{ONE}, severity")
        none_left = named(f"0 * {configured}", "severity", "critical")
        seconds = self.told("timbres_time_left_threshold_seconds", f"{ONE}, severity")
        return f"""\
max by ({ONE}) (
  0 * (
    {self.newest("timbres_available")} <= on ({ONE}) group_right () ({stamps} or {none_left})
    or
    {self.newest("timbres_time_left_seconds")} <= on ({ONE}) group_right () {seconds}
  )
  + on (severity) group_left ()
  ({_LEVELS})
)
or
0 * (
  {self.told("timbres_up")} == 0
  or
  {configured} unless on ({ONE}) {self.series("timbres_available")}
  or
  {configured} and on (account) {self.told("timbres_account_held", "account")} == 1
) + {NO_DATA}
or
0 * {configured}"""

    @property
    def urgency(self) -> str:
        """The level, and a fraction for what orders those of one level: who runs out first is first.

        Where nothing is forecast, they follow by the share of the contracted stamps that is left.
        """
        available = self.series("timbres_available")
        days = f"{self.series('timbres_time_left_seconds')} / 86400"
        share = f"{available} / ({self.series('timbres_contracted')} > 0)"
        order = f"""\
0.9 + 0 * ({available} == 0)
or
0.5 + 0.4 / (1 + {days})
or
0.4 / (1 + {share})
or
0 * {self.series("timbres_up")}"""
        return f"({self.level}) + on ({ONE}) min by ({ONE}) (\n{order}\n)"
