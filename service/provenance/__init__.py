"""Everything that happened to an asset, a copy or a recipient, in order of time."""
