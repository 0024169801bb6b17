"""What stands between the network and the routes: limits, headers, problem answers."""
