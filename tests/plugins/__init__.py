"""Plugins in a real workspace over HTTP."""
