"""Names of what reports read in run folders and write: light to import, for whoever only names them."""

NETWORK = "network.json"
"""The file of a run folder with nodes, links, and the pairs that each link made."""
FIGURES = "figures"
"""The folder, in that of a run, of its figures."""
IMAGES, TABLES = ("png", "svg", "pdf"), ("csv", "parquet", "tex")
FORMATS = ("html", *IMAGES, *TABLES)
"""Formats of a report."""
