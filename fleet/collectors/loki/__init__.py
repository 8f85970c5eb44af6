"""Loki as a source."""
