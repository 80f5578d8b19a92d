"""All RFCs: how many are well, which need somebody, and what the accounts consume."""

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.builders.bargauge import Panel as BarGauge
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models.dashboard import Dashboard, DynamicConfigValue, VariableOption

from grafana.board import annotation, board, several
from grafana.panel import (
    LEVELS,
    NAME,
    NUMBER,
    STAMPS,
    both,
    columns,
    fixed,
    graph,
    listing,
    now,
    number,
    pivot,
    query,
    ranking,
    rows,
    thresholds,
    words,
)
from grafana.targets import ONE, named
from grafana.urgent import EVERY, urgent

UID = "timbres-fleet"

#: What the PAC, or the gate, says when an account is held.
HOLDS = {
    "601": "601: wrong user or password / usuario o contraseña incorrectos",
    "602": "602: locked / bloqueada",
    "603": "603: password expired / contraseña vencida",
    "604": "604: too many failures / demasiados intentos fallidos",
    "605": "605: inactive / inactiva",
    "633": "633: test account in production, or the reverse / cuenta de pruebas en producción o al revés",
    "unverified": "unverified: login never confirmed / acceso nunca confirmado",
}


def counts() -> Stat:
    zeros = " or ".join(named("vector(0)", "level", f"{level}") for level in LEVELS)
    panel = number(
        "RFCs by state / RFC por estado",
        both(
            "Critical and warning: a configured threshold is reached, of stamps or of days left. No data: "
            "the last poll gave no numbers, or the account is held.",
            "Crítico y aviso: se alcanzó un límite configurado, de timbres o de días. Sin datos: la última "
            "consulta no dio números o la cuenta está retenida.",
        ),
        NUMBER,
        now(f'count_values("level", {EVERY.level}) or {zeros}'),
    )
    names = {f"{level}": text for level, (text, _) in LEVELS.items()}
    panel.transformations([pivot("level"), columns(*names, rename=names)])
    for text, color in LEVELS.values():
        panel.override_by_name(text, [fixed(color)])
    return panel


def held() -> Stat:
    panel = number(
        "Accounts held / Cuentas retenidas",
        both(
            "Nothing is sent for these until somebody acts: the PAC refused the login.",
            "No se envía nada de estas hasta que alguien intervenga: el PAC rechazó el acceso.",
        ),
        NUMBER,
        now(f"count({EVERY.told('timbres_account_held', 'account')} == 1) or vector(0)"),
    )
    return panel.thresholds(thresholds((None, "green"), (1, "red")))


def holds() -> Table:
    panel = listing(
        "Why they are held / Por qué están retenidas",
        both(
            "Correct the password and reload, or mend it at the PAC and release the account with rearm.",
            "Corrige la contraseña y recarga, o arréglalo en el PAC y libera la cuenta con rearm.",
        ),
        NAME,
        rows(EVERY.told("timbres_account_hold_info", "account, code")),
    )
    rename = {"account": "Account / Cuenta", "code": "Reason / Motivo"}
    panel.transformations([columns("account", "code", rename=rename, drop=("Value",))])
    panel.no_value("None / Ninguna")
    reasons = words({code: (text, None) for code, text in HOLDS.items()})
    return panel.override_by_name("Reason / Motivo", [DynamicConfigValue("mappings", reasons)])


def consumption() -> TimeSeries:
    # A sum for each monitor, and the larger: both count the same stamps.
    rate = f"sum by (account, instance) (rate({EVERY.series('timbres_consumed_total')}[$__rate_interval]))"
    panel = graph(
        "Consumption by account / Consumo por cuenta",
        both(
            "Stamps an hour; at each moment the 20 accounts that use the most.",
            "Timbres por hora; en cada momento las 20 cuentas que más usan.",
        ),
        "suffix:/h",
        query(f"topk(20, max by (account) ({rate}) * 3600)", "{{account}}"),
    )
    return panel.max_data_points(100).fill_opacity(10)


def consumers() -> BarGauge:
    used = f"max by ({ONE}) (increase({EVERY.series('timbres_consumed_total')}[$__range]))"
    return ranking(
        "Largest consumers / Mayores consumos",
        both(
            "The ten RFCs that used the most stamps in the chosen range.",
            "Los diez RFC que más timbres usaron en el periodo elegido.",
        ),
        STAMPS,
        now(f"topk(10, {used})", "{{rfc}}"),
    ).decimals(0)


def bought() -> str:
    """True where stamps were added: more was contracted, or counting began anew.

    Each part is filtered before anything else: 10,000 RFCs over a month are more samples than
    Prometheus will hold twice.
    """

    def rise(metric: str) -> str:
        return f"delta({EVERY.series(metric)}[$__rate_interval])"

    return f"""\
{rise("timbres_contracted")} > 0
or
{rise("timbres_available")} > 0 and {rise("timbres_used")} < 0"""


def fleet() -> Dashboard:
    options = [VariableOption(text=f"{n}", value=f"{n}", selected=n == 50) for n in (25, 50, 100, 250)]
    return board(
        UID,
        "Timbres: fleet / todos los RFC",
        both("CFDI stamps left of all RFCs.", "Timbres CFDI que le quedan a cada RFC."),
        since="now-24h",
        variables=(
            several(
                "account",
                "Account / Cuenta",
                both("As named in the configuration.", "Como se llama en la configuración."),
                "label_values(timbres_account_held, account)",
            ).all_value(".*"),
            dashboard.TextBoxVariable("search")
            .label("Search the table / Buscar en la tabla")
            .description(both("Part of an RFC or an alias.", "Parte de un RFC o de un alias."))
            .default_value("")
            .current(VariableOption(text="", value="")),
            dashboard.CustomVariable("top")
            .label("Rows / Filas")
            .description(both("The most urgent so many.", "Tantos como los más urgentes."))
            .values(",".join(str(option.value) for option in options))
            .options(options)
            .current(options[1]),
        ),
        annotations=(
            annotation(
                "Top-up / Recarga",
                f"max by ({ONE}) (topk(20, {bought()}))",
                "{{rfc}} ({{account}})",
                "blue",
                step="5m",
                tags="account",
            ),
        ),
        rows=(
            (4, ((counts(), 12), (held(), 4), (holds(), 8))),
            (14, ((urgent(), 24),)),
            (9, ((consumption(), 16), (consumers(), 8))),
        ),
    )
