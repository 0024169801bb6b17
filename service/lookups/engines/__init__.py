"""Engines of the exact look-up behind one port: embedded, PostgreSQL, and pgvector for those who ask for it."""
