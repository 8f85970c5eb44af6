"""Loki's HTTP API over a simulated cluster: its logs, and what clients push."""

from simulator.loki.api import answer_loki

__all__ = ["answer_loki"]
