"""The limit: the least work an honest Python application does for one fixed entity of 20 fields."""
