"""A real plugin, used by the tests: ratings from one to five, their scorecards and a ranking."""
