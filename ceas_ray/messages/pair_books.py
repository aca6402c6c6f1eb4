"""Rows and columns of the books of pairs that managers of links report: what for, and what became of them."""

from __future__ import annotations

TRAINING, AUTHENTICATION, TESTING = range(3)
GENERATED, USED, LATE, EXPIRED, SACRIFICED = range(5)
STORED = SACRIFICED + 1
"""In books of physical links, which have it as their last column: what is in stock."""
BOOK_COLUMNS = ("generated", "used", "late", "expired", "sacrificed")
