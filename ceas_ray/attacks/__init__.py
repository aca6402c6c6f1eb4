"""Attacks of Byzantine processors, and where those sit."""
