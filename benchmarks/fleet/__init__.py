"""A whole fleet, scanned in shards."""
