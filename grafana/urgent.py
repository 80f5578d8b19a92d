"""The table of the RFCs, the most urgent first. As many as somebody reads: there may be 10,000."""

from typing import Any

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from grafana.panel import AGO, DAYS, SHARE, STAMPS, both, columns, levels, listing, now, pivot
from grafana.targets import ONE, Targets, named

#: Where a link to an RFC leads.
RFC_UID = "timbres-rfc"

EVERY = Targets('account=~"$account"')

#: What is searched in: RFC and alias. Backquotes: what is escaped for a regex is not escaped once more.
_FOUND = " or ".join(
    f"timbres_rfc_info{{{EVERY.of}, {label}=~`(?i).*${{search:regex}}.*`}}" for label in ("rfc", "alias")
)
_SHOWN = f"topk($top, {EVERY.urgency} and on ({ONE}) ({_FOUND}))"
_ALIAS = f"max by ({ONE}, alias) (topk by ({ONE}) (1, {EVERY.series('timbres_rfc_info')}))"

STATE = "State / Estado"
CONTRACTED, USED, AVAILABLE = "Contracted / Contratados", "Used / Usados", "Available / Disponibles"
LEFT, TIME_LEFT, PEAK = "% left / % restante", "Time left / Alcanzan", "Peak day / Día pico"
READ = "Last reading / Última lectura"

_LEARNED = {
    CONTRACTED: EVERY.series("timbres_contracted"),
    USED: EVERY.series("timbres_used"),
    AVAILABLE: EVERY.series("timbres_available"),
    TIME_LEFT: f"{EVERY.series('timbres_time_left_seconds')} / 86400",
    PEAK: EVERY.series("timbres_peak_day"),
    READ: f"{EVERY.series('timbres_last_success_timestamp_seconds')} * 1000",
}


def urgent() -> Table:
    learned = " or ".join(named(series, "column", column) for column, series in _LEARNED.items())
    newest = f"min by ({ONE}, column) (({learned}) unless ignoring (column) ({EVERY.stale}))"
    state = f"{named(_SHOWN, 'column', STATE)} * on ({ONE}) group_left (alias) {_ALIAS}"
    panel = listing(
        "RFCs by urgency / RFC por urgencia",
        both(
            "The most urgent first, as many as chosen above. The colour comes from each RFC's own "
            "thresholds. An RFC opens its own dashboard.",
            "Primero los más urgentes, tantos como se elija arriba. El color sale de los límites de cada "
            "RFC. Cada RFC abre su propio tablero.",
        ),
        STAMPS,
        now(state),
        now(f"({newest} or {named(EVERY.left, 'column', LEFT)}) and on ({ONE}) {_SHOWN}"),
    )
    order = (STATE, "alias", "rfc", "account", CONTRACTED, USED, AVAILABLE, LEFT, TIME_LEFT, PEAK, READ)
    rename = {"alias": "Alias", "rfc": "RFC", "account": "Account / Cuenta"}
    panel.transformations([pivot("column"), columns(*order, rename=rename)])
    panel.sort_by([common.TableSortByFieldState().display_name(STATE).desc(True)]).no_value("–")
    link = {
        # Asked for, because a link's own encoding leaves the & of an RFC alone.
        "url": f"/d/{RFC_UID}?${{datasource:queryparam}}"
        "&var-account=${__data.fields.account:percentencode}&var-rfc=${__data.fields.rfc:percentencode}",
        "title": "Open this RFC / Ver este RFC",
    }
    cells: dict[str, dict[str, Any]] = {
        STATE: {
            "mappings": levels(),
            "custom.cellOptions": {"type": "color-background", "mode": "basic"},
            "custom.width": 150,
        },
        "Alias": {"custom.minWidth": 180},
        "RFC": {"links": [link], "custom.width": 140},
        LEFT: {
            "unit": SHARE,
            "min": 0,
            "max": 1,
            "decimals": 0,
            "custom.cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
            "color": {"mode": "fixed", "fixedColor": "blue"},
            "custom.width": 180,
        },
        TIME_LEFT: {"unit": DAYS, "decimals": 1},
        READ: {"unit": AGO},
    }
    for column, properties in cells.items():
        panel.override_by_name(column, [DynamicConfigValue(id_, value) for id_, value in properties.items()])
    return panel
