"""The marginal program: rows reduced to sums, and effects recovered from its draws."""
