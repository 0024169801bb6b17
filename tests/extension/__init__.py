"""The extension in real browsers, against the real service."""
