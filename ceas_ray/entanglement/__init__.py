"""The entanglement manager, its plans, and the hub."""
