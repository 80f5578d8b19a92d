"""The HTTP side: metrics, pages, health, reload."""

from monitor.web.monitored import Monitored
from monitor.web.routes import application
from monitor.web.silent import Silent

__all__ = ["Monitored", "Silent", "application"]
