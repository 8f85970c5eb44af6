"""Alertmanager as a source: alerts with their states, silences, groups."""

from fleet.collectors.alertmanager.client import AlertmanagerClient
from fleet.collectors.alertmanager.collect import collect_alerts

__all__ = ["AlertmanagerClient", "collect_alerts"]
