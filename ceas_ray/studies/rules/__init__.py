"""Experiment E1: aggregation rules under attack, each with its own learning rate and its own worst attacks."""
