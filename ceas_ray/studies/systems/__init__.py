"""Experiments on whole systems: everything (E3), weights (E4)."""
