"""Tempo over a simulated cluster: traces that tell the same story as its metrics, in the forms of a real server."""
