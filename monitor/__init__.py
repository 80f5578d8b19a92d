"""timbres-monitor: the stamps left at the PAC Solución Factible, as Prometheus metrics."""

__version__ = "0.1.0"
