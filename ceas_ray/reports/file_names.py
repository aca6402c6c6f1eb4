"""Names of the files that reports read and write. The module is light to import for whoever needs names alone."""

NETWORK = "network.json"
"""The file of a run folder with nodes, links, and the pairs that each link made."""
FIGURES = "figures"
"""The folder of a run's figures, in the run folder."""
IMAGES, TABLES = ("png", "svg", "pdf"), ("csv", "parquet", "tex")
FORMATS = ("html", *IMAGES, *TABLES)
"""Formats of a report."""
