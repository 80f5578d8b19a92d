"""Dashboards as code: what is in `dashboards/` is written by `python -m grafana.generate`."""

import warnings

with warnings.catch_warnings():
    # It recommends the second dashboard schema, which Grafana 10 and 11 do not read.
    warnings.simplefilter("ignore", DeprecationWarning)
    import grafana_foundation_sdk.builders.bargauge
    import grafana_foundation_sdk.builders.dashboard  # noqa: F401
