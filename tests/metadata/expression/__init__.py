"""Tests of parsing, checking and evaluating expressions."""
