"""Tests of medlens.evaluate."""
