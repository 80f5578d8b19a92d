"""One RFC: what it has, what it consumes, how long that will last, and what changed."""

from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models.common import BarAlignment
from grafana_foundation_sdk.models.dashboard import Dashboard, DynamicConfigValue

from grafana.board import board, choice
from grafana.change import LIMITS, ONE, changes, limit, marks, then_and_now
from grafana.panel import (
    AGO,
    DATE,
    DAYS,
    NUMBER,
    SHARE,
    STAMPS,
    bars,
    both,
    fixed,
    graph,
    levels,
    now,
    number,
    query,
)
from grafana.urgent import AVAILABLE, CONTRACTED, LEFT, PEAK, READ, RFC_UID, STATE, TIME_LEFT, USED


def with_limits(panel: TimeSeries) -> TimeSeries:
    """Both limits as dashed lines in their colours."""
    dashed = DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [10, 10]})
    for name, (_, color) in LIMITS.items():
        panel.override_by_name(name, [fixed(color), dashed, DynamicConfigValue("custom.lineWidth", 1)])
    return panel


def numbers() -> tuple[tuple[Stat, int], ...]:
    """What is so now."""
    time_left = ONE.newest("timbres_time_left_seconds")
    state = number(
        STATE,
        both(
            "By its own thresholds, of stamps and of days left.",
            "Según sus propios límites, de timbres y de días.",
        ),
        NUMBER,
        now(ONE.level),
    ).mappings(levels())
    available = number(
        AVAILABLE,
        both("Stamps left, as the PAC gave them.", "Timbres que quedan, según el PAC."),
        STAMPS,
        now(ONE.newest("timbres_available")),
    )
    left = number(
        LEFT,
        both("Available of contracted.", "Disponibles de los contratados."),
        SHARE,
        now(ONE.left),
    )
    lasts = number(
        TIME_LEFT,
        both("Forecast, from the history of consumption.", "Pronóstico, según su historial de consumo."),
        DAYS,
        now(f"{time_left} / 86400"),
    )
    ends = number(
        "Runs out / Se acaban",
        both("When the forecast says so.", "Cuándo, según el pronóstico."),
        DATE,
        now(f"(time() + {time_left}) * 1000"),
    )
    peak = number(
        PEAK,
        both("Most stamps in any 24 h of the last 35 days.", "Más timbres en 24 h, en los últimos 35 días."),
        STAMPS,
        now(ONE.newest("timbres_peak_day")),
    )
    read = number(
        READ,
        both("When the PAC last gave numbers.", "Cuándo dio números el PAC por última vez."),
        AGO,
        now(f"{ONE.told('timbres_last_success_timestamp_seconds')} * 1000"),
    )
    expiry = number(
        "Package ends / Vence",
        both("expires_on of the configuration.", "expires_on de la configuración."),
        DATE,
        now(f"min({ONE.series('timbres_expiry_timestamp_seconds')}) * 1000"),
    )
    return tuple(
        (panel.no_value("–"), 6)
        for panel in (state, available, left.decimals(0), lasts.decimals(1), ends, peak, read, expiry)
    )


def available() -> TimeSeries:
    panel = graph(
        "Available and limits / Disponibles y límites",
        both(
            "Stamps left beside the two configured limits.",
            "Timbres que quedan, junto a los dos límites configurados.",
        ),
        STAMPS,
        query(ONE.newest("timbres_available"), AVAILABLE),
        *(query(limit(severity), name) for name, (severity, _) in LIMITS.items()),
    )
    panel.override_by_name(AVAILABLE, [fixed("blue"), DynamicConfigValue("custom.fillOpacity", 15)])
    return with_limits(panel)


def a_day() -> TimeSeries:
    # A bar stands where its day begins, so that the last one is today so far.
    used = f"max(increase({ONE.series('timbres_consumed_total')}[1d] offset -1d))"
    panel = bars(
        "Consumption per day / Consumo por día",
        both(
            "Stamps used each day; the last bar is today so far.",
            "Timbres usados cada día; la última barra es hoy.",
        ),
        STAMPS,
        query(used, "Stamps / Timbres"),
    )
    return panel.interval("1d").decimals(0).bar_alignment(BarAlignment.AFTER)


def forecast() -> TimeSeries:
    panel = graph(
        "Forecast: days left / Pronóstico: días que alcanzan",
        both(
            "How long the stamps would last, as foreseen at each moment, beside the configured limits.",
            "Para cuántos días alcanzarían los timbres, según se preveía en cada momento, y los límites.",
        ),
        DAYS,
        query(f"{ONE.newest('timbres_time_left_seconds')} / 86400", TIME_LEFT),
        *(
            query(f"{limit(severity, 'timbres_time_left_threshold_seconds')} / 86400", name)
            for name, (severity, _) in LIMITS.items()
        ),
    )
    return with_limits(panel.decimals(1))


def packages() -> TimeSeries:
    return graph(
        "Contracted and used / Contratados y usados",
        both("A step of contracted is a top-up.", "Un escalón de contratados es una recarga."),
        STAMPS,
        query(ONE.newest("timbres_contracted"), CONTRACTED),
        query(ONE.newest("timbres_used"), USED),
    )


def errors() -> TimeSeries:
    return bars(
        "Poll errors by reason / Errores de consulta por motivo",
        both(
            "Turns that gave no numbers. Held: not sent, because the account is held.",
            "Turnos que no dieron números. Held: no se envió, porque la cuenta está retenida.",
        ),
        NUMBER,
        query(
            f"sum by (reason) (increase({ONE.series('timbres_poll_errors_total')}[$__rate_interval]))",
            "{{reason}}",
        ),
    ).decimals(0)


def rfc() -> Dashboard:
    known = 'max by (rfc, alias) (timbres_rfc_info{account="$account"})'
    return board(
        RFC_UID,
        "Timbres: one RFC / un RFC",
        both("The stamps of one RFC over time.", "Los timbres de un RFC a lo largo del tiempo."),
        since="now-30d",
        variables=(
            choice(
                "account",
                "Account / Cuenta",
                both("As named in the configuration.", "Como se llama en la configuración."),
                "label_values(timbres_account_held, account)",
            ),
            choice(
                "rfc",
                "RFC",
                both("Type a part of the RFC or the alias.", "Escribe parte del RFC o del alias."),
                f'query_result(label_join({known}, "name", " · ", "rfc", "alias"))',
            ).regex('/name="(?<text>.+?)(?: · )?",rfc="(?<value>[^"]+)"/'),
        ),
        annotations=marks(),
        rows=(
            (3, numbers()[:4]),
            (3, numbers()[4:]),
            (9, ((available(), 24),)),
            (8, ((a_day(), 12), (forecast(), 12))),
            (8, ((packages(), 12), (errors(), 12))),
            (9, ((changes(), 14), (then_and_now(), 10))),
        ),
    )
