"""The expression language: one corpus, four evaluators."""
