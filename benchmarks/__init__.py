"""Measurements of the library: every claim of speed or robustness is a line that one of these modules printed."""
