"""The life of pairs on a route of one link or more, compiled: see `advance`."""
