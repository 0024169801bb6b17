"""The web console: pages for the people of a brand, rendered here and working without a script."""
