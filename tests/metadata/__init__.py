"""Tests of what an app says."""
