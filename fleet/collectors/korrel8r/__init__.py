"""Korrel8r as a source."""
