"""Discovery of large clusters and large fleets."""
