"""Topologies: who is linked to whom, and how well."""
