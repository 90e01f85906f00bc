"""What fits and priors say about rows of data: new ones, and those that were fitted."""
