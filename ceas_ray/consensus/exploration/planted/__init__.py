"""Planted bugs: each weakens one rule, and an explorer must catch it. Nothing that a run uses imports them."""
