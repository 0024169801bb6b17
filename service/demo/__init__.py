"""The main job as a demonstration: a client that talks to a running service over HTTP and judges its answers."""
