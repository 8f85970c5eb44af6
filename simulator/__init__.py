"""A simulated fleet on loopback with labelled faults, for the first run, for tests and for benchmarks.

It imports nothing of the product, so that a wrong idea of a format cannot hide on both sides.
"""
