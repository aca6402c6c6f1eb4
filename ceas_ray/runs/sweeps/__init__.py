"""Sweeps: many runs by one command, side by side on one Ray cluster."""
