"""Training: how a round turns updates into the next model, data, and metrics."""
