"""Alertmanager as a source."""
