"""The history of the schema; `scripts/new_migration.py` writes the next step."""

HEAD = "0005"
"""Newest revision; a test holds it to the files of `versions`."""
