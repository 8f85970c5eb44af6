"""The Kubernetes API's paths."""

from __future__ import annotations

from simulator.answers import Answer, Request, text_answer
from simulator.cluster import SimulatedCluster


def refuse_token(request: Request) -> Answer:
    """The answer to a missing or wrong token."""
    return text_answer("Unauthorized\n", 401)


def answer_kubernetes(cluster: SimulatedCluster, request: Request) -> Answer:
    """The answer to a request below the cluster's API server."""
    return text_answer("404 page not found\n", 404)
