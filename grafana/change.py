"""What changed of one RFC: over time, between two moments, and as marks on every graph."""

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery
from grafana_foundation_sdk.builders.statetimeline import Panel as StateTimeline
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from grafana.board import annotation
from grafana.panel import STAMPS, WORKS, YES_NO, both, columns, levels, listing, now, pivot, query, timeline
from grafana.targets import Targets, named
from grafana.urgent import AVAILABLE, CONTRACTED, USED

ONE = Targets('account="$account", rfc="$rfc"')
ACCOUNT = Targets('account="$account"')

AGO = " offset $__interval"

LEVEL, POLL, HELD = "Level / Nivel", "Poll / Consulta", "Account held / Cuenta retenida"

#: What limits are called, of which severity they are, and their colours.
LIMITS = {
    "Critical limit / Límite crítico": ("critical", "red"),
    "Warning limit / Límite de aviso": ("warning", "orange"),
}


def limit(severity: str, metric: str = "timbres_available_threshold", at: str = "") -> str:
    """The configured limit of the RFC."""
    return f'max({metric}{{{ONE.of}, severity="{severity}"}}{at})'


def changes() -> StateTimeline:
    panel = timeline(
        "What changed / Qué cambió",
        both(
            "Every change of colour or number is a change.", "Cada cambio de color o de número es un cambio."
        ),
        STAMPS,
        query(ONE.level, LEVEL),
        query(f"max({ONE.series('timbres_up')})", POLL),
        query(f"max({ACCOUNT.series('timbres_account_held')})", HELD),
        query(f"max({ONE.series('timbres_contracted')})", CONTRACTED),
        *(query(limit(severity), name) for name, (severity, _) in LIMITS.items()),
    )
    for name, mappings in {LEVEL: levels(), POLL: WORKS, HELD: YES_NO}.items():
        panel.override_by_name(name, [DynamicConfigValue("mappings", mappings)])
    return panel


def then_and_now() -> Table:
    def values(offset: str) -> str:
        told = {
            CONTRACTED: f"max({ONE.series('timbres_contracted')}{offset})",
            USED: f"max({ONE.series('timbres_used')}{offset})",
            AVAILABLE: f"min({ONE.series('timbres_available')}{offset})",
            **{name: limit(severity, at=offset) for name, (severity, _) in LIMITS.items()},
        }
        return " or ".join(named(expression, "what", name) for name, expression in told.items())

    before, after = f"({values(' offset $__range')})", f"({values('')})"
    names = ("Then / Antes", "Now / Ahora", "Change / Cambio")
    asked = (before, after, f"({after} - on (what) {before})")
    panel = listing(
        "Then and now / Antes y ahora",
        both(
            "At the beginning and at the end of the chosen range.",
            "Al principio y al final del periodo elegido.",
        ),
        STAMPS,
        now(
            " or ".join(
                named(expression, "column", name) for name, expression in zip(names, asked, strict=True)
            )
        ),
    )
    panel.transformations([pivot("column"), columns("what", *names, rename={"what": "What / Qué"})])
    return panel.no_value("–")


def bought() -> str:
    """Stamps that were added within one step: more was contracted, or counting began anew."""

    def rise(metric: str) -> str:
        return f"{ONE.told(metric)} - {ONE.told(metric, at=AGO)}"

    return f"""\
{rise("timbres_contracted")} > 0
or
{rise("timbres_available")} > 0 and {rise("timbres_used")} < 0"""


def marks() -> tuple[AnnotationQuery, ...]:
    """Exactly one mark for a change: what was so one step ago is not so now."""
    limits = [ONE.told("timbres_available_threshold", "severity", at) for at in ("", AGO)]
    return (
        annotation(
            "Top-up / Recarga",
            f'count_values("stamps", {bought()})',
            "+{{stamps}}",
            "blue",
        ),
        annotation(
            "Limit changed / Cambió el límite",
            f'count_values by (severity) ("stamps", {" != ".join(limits)})',
            "{{severity}}: {{stamps}}",
            "orange",
        ),
        annotation(
            "Account held / Cuenta retenida",
            ACCOUNT.told("timbres_account_hold_info", "account, code"),
            "{{account}}: {{code}}",
            "red",
        ),
    )
