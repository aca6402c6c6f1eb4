"""Experiments with a design: they use runs and worlds, no run uses them."""
