"""Brands: whose pictures, whose recipients, whose keys."""
