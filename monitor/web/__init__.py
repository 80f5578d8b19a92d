"""The HTTP side: metrics, pages, health, reload."""

from monitor.web.monitored import Monitored
from monitor.web.routes import application

__all__ = ["Monitored", "application"]
