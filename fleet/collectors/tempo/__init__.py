"""Tempo as a source."""
