"""The console's routes, one file per page."""
