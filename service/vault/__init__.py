"""Encryption at rest: key file → key-encryption key → one key per brand → one data key per asset or sighting."""
