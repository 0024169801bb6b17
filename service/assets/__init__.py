"""Unreleased pictures: received, prepared, kept encrypted."""
