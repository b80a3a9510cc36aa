"""Everything that is computed from other values, held against a reckoning of its own after every way of writing."""
