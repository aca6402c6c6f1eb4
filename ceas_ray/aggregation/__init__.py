"""Aggregation rules, weights and the cap."""
