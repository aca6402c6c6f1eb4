"""Simulated quantum processors, honest and Byzantine, and the adversary that moves the latter."""
