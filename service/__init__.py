"""The product around the library: tenants, assets, copies, look-ups, sightings, console and command line."""
