"""Quantum states, noise, gradients and Bell-pair formulas."""
