"""Leaked pictures found somewhere, and which copy they show."""
