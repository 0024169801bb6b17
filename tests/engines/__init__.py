"""Engines other than the embedded ones, and the contract that all of them keep."""
