"""Alertmanager's HTTP API v2 over a simulated cluster: the alerts that fire there or are posted, and silences."""

from simulator.alertmanager.alerts import fingerprint
from simulator.alertmanager.api import answer_alertmanager

__all__ = ["answer_alertmanager", "fingerprint"]
