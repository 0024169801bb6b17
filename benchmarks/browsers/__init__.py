"""Real browsers with the extension in them, for its tests and its benchmark."""
