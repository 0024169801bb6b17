"""Files at rest, always encrypted, wherever the URL says."""
