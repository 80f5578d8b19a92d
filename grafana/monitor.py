"""The monitor itself: whether it polls, how fast, what the PAC answers, and whether it can write."""

from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.statetimeline import Panel as StateTimeline
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.board import annotation, board, several
from grafana.panel import (
    A_MINUTE,
    AGO,
    NUMBER,
    WORKS,
    YES_NO,
    both,
    graph,
    now,
    number,
    query,
    thresholds,
    timeline,
)
from grafana.traffic import OURS, codes, errors, in_flight, latency, lateness, polls, rate

UID = "timbres-monitor"


def numbers() -> tuple[tuple[Stat, int], ...]:
    """What is so now."""
    version = number(
        "Version / Versión",
        both("Of each monitor that Prometheus reads.", "De cada monitor que lee Prometheus."),
        NUMBER,
        now(OURS.told("timbres_build_info", "instance, version"), "{{instance}}: {{version}}"),
    ).text_mode(BigValueTextMode.NAME)
    watched = number(
        "RFCs watched / RFC vigilados",
        both("Configured, in all accounts.", "Configurados, en todas las cuentas."),
        NUMBER,
        now(f"count({OURS.told('timbres_up')})"),
    )
    held = number(
        "Accounts held / Cuentas retenidas",
        both("Nothing is sent for these.", "No se envía nada de estas."),
        NUMBER,
        now(f"count({OURS.told('timbres_account_held', 'account')} == 1) or vector(0)"),
    ).thresholds(thresholds((None, "green"), (1, "red")))
    unproven = number(
        "Unproven logins / Accesos sin probar",
        both(
            "Have not worked since the monitor was started; they send one call at a time.",
            "No han funcionado desde que arrancó el monitor; envían una llamada a la vez.",
        ),
        NUMBER,
        now(f"count({OURS.told('timbres_account_unproven', 'account')} == 1) or vector(0)"),
    )
    database = number(
        "Database / Base de datos",
        both("Whether it takes writes, in every monitor.", "Si admite escrituras, en todos los monitores."),
        NUMBER,
        now(f"min({OURS.series('timbres_state_writable')})"),
    ).mappings(WORKS)
    read = number(
        "Configuration read / Configuración leída",
        both("When it was last read without faults.", "Cuándo se leyó sin errores por última vez."),
        AGO,
        now(f"min({OURS.series('timbres_config_last_reload_success_timestamp_seconds')}) * 1000"),
    )
    return tuple((panel, 4) for panel in (version, watched, held, unproven, database, read))


def holds() -> StateTimeline:
    return timeline(
        "Holds / Retenciones",
        both(
            "Accounts while they are held, and the PAC's code.",
            "Cuentas mientras están retenidas, y el código del PAC.",
        ),
        NUMBER,
        query(OURS.told("timbres_account_hold_info", "account, code"), "{{account}}: {{code}}"),
    ).mappings(YES_NO)


def reloads() -> StateTimeline:
    return timeline(
        "Reloads / Recargas",
        both(
            "Whether the last reload of the configuration was successful; marks are reloads.",
            "Si la última recarga de la configuración tuvo éxito; las marcas son recargas.",
        ),
        NUMBER,
        query(OURS.told("timbres_config_last_reload_successful", "instance"), "{{instance}}"),
    ).mappings(WORKS)


def store() -> TimeSeries:
    return graph(
        "Database queue / Cola de la base de datos",
        both(
            "RFCs that wait to be written, and writes that failed.",
            "RFC que esperan a ser escritos, y escrituras que fallaron.",
        ),
        NUMBER,
        query(OURS.told("timbres_state_queue", "instance"), "{{instance}}: waiting / en espera"),
        query(
            f"sum by (instance) ({rate('timbres_state_write_errors_total')}) * 60",
            "{{instance}}: failed a minute / fallidas por minuto",
        ),
    )


def memory() -> TimeSeries:
    return graph(
        "Memory / Memoria",
        both("Resident memory of the process.", "Memoria residente del proceso."),
        "bytes",
        query(OURS.told("process_resident_memory_bytes", "instance"), "{{instance}}"),
    )


def alerts() -> TimeSeries:
    return graph(
        "Alerts sent / Alertas enviadas",
        both(
            "By the monitor itself, if alertmanagers is configured.",
            "Por el monitor mismo, si se configuró alertmanagers.",
        ),
        A_MINUTE,
        query(f"sum by (alertmanager) ({rate('timbres_notifications_sent_total')}) * 60", "{{alertmanager}}"),
        query(
            f"sum by (alertmanager) ({rate('timbres_notifications_failed_total')}) * 60",
            "{{alertmanager}}: failed / fallidas",
        ),
    )


def monitor() -> Dashboard:
    reload = annotation(
        "Reload / Recarga",
        f"{OURS.told('timbres_config_last_reload_success_timestamp_seconds', 'instance')} * 1000",
        "{{instance}}",
        "green",
    )
    return board(
        UID,
        "Timbres: the monitor / el monitor",
        both("How timbres-monitor itself is doing.", "Cómo está timbres-monitor mismo."),
        since="now-24h",
        variables=(
            several(
                "instance",
                "Monitor",
                both("The address that Prometheus reads.", "La dirección que lee Prometheus."),
                "label_values(timbres_build_info, instance)",
            ),
        ),
        annotations=(reload.use_value_for_time(True),),
        rows=(
            (4, numbers()),
            (8, ((polls(), 8), (errors(), 8), (codes(), 8))),
            (8, ((latency(), 8), (lateness(), 8), (in_flight(), 8))),
            (7, ((holds(), 12), (reloads(), 12))),
            (8, ((store(), 8), (memory(), 8), (alerts(), 8))),
        ),
    )
