"""Contracts every implementation of one interface is held to."""
