"""Storage: plans, writing, search."""
