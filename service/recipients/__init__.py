"""People a brand issues copies to: an alias first, a sealed contact if need be."""
