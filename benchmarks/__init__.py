"""Dacheng against a hand-written application doing the same work, in the same run."""
