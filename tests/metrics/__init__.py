"""Tests of medlens.metrics."""
