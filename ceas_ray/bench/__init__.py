"""Benchmarks, a file for each; `scripts/bench` runs them."""
