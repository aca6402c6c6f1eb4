"""Rows and columns of the books of pairs that managers of links report: what for, and what became of them."""

from __future__ import annotations

TRAINING, AUTHENTICATION, TESTING = range(3)
GENERATED, USED, LATE, EXPIRED, SACRIFICED = range(5)
BOOK_COLUMNS = ("generated", "used", "late", "expired", "sacrificed")
