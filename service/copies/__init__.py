"""Copies: one serial within its asset per recipient or viewer, rendered on demand, never stored."""
