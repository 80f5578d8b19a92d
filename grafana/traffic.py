"""What goes between the monitor and the PAC: how much, how fast, and what comes back."""

from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from grafana.panel import A_MINUTE, NUMBER, bars, both, graph, query
from grafana.targets import Targets

OURS = Targets('instance=~"$instance"')


def rate(metric: str) -> str:
    return f"rate({OURS.series(metric)}[$__rate_interval])"


def quantiles(histogram: str) -> tuple[tuple[str, str], ...]:
    buckets = f"sum by (le) ({rate(f'{histogram}_bucket')})"
    return tuple((f"histogram_quantile({q}, {buckets})", f"p{q * 100:.0f}") for q in (0.5, 0.9, 0.99))


def polls() -> TimeSeries:
    return graph(
        "Polls / Consultas",
        both("Calls that were made, by monitor.", "Llamadas hechas, por monitor."),
        A_MINUTE,
        query(f"sum by (instance) ({rate('timbres_poll_duration_seconds_count')}) * 60", "{{instance}}"),
    )


def errors() -> TimeSeries:
    return bars(
        "Errors by reason / Errores por motivo",
        both(
            "Turns that gave no numbers. Held: not sent, because the account is held.",
            "Turnos que no dieron números. Held: no se envió, porque la cuenta está retenida.",
        ),
        A_MINUTE,
        query(f"sum by (reason) ({rate('timbres_poll_errors_total')}) * 60", "{{reason}}"),
    )


def codes() -> TimeSeries:
    return bars(
        "Answers by code / Respuestas por código",
        both(
            "The PAC's status codes, or what came instead (timeout, dns, reset, …). 200 is good.",
            "Códigos del PAC, o lo que llegó en su lugar (timeout, dns, reset, …). 200 es bueno.",
        ),
        A_MINUTE,
        query(f"sum by (code) ({rate('timbres_responses_total')}) * 60", "{{code}}"),
    )


def latency() -> TimeSeries:
    return graph(
        "Latency of the PAC / Latencia del PAC",
        both("Duration of one call, waiting excluded.", "Duración de una llamada, sin contar la espera."),
        "s",
        *(query(*quantile) for quantile in quantiles("timbres_poll_duration_seconds")),
    )


def lateness() -> TimeSeries:
    return graph(
        "Lateness of polls / Retraso de las consultas",
        both(
            "How late calls start. If it grows: raise the interval or max_in_flight.",
            "Con cuánto retraso empiezan las llamadas. Si crece: aumenta interval o max_in_flight.",
        ),
        "s",
        *(query(*quantile) for quantile in quantiles("timbres_schedule_lag_seconds")),
    )


def in_flight() -> TimeSeries:
    by = "instance, pac"
    return graph(
        "In flight and limit / En curso y límite",
        both(
            "Calls under way, and how many there may be: fewer after the PAC says that it is busy.",
            "Llamadas en curso y cuántas puede haber: menos cuando el PAC dice que está ocupado.",
        ),
        NUMBER,
        query(OURS.told("timbres_polls_in_flight", by), "{{instance}} {{pac}}"),
        query(OURS.told("timbres_concurrency_limit", by), "{{instance}} {{pac}}: limit / límite"),
    )
