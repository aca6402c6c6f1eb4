"""Figures of what studies have found."""
