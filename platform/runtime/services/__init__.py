"""One use case a file: permission, values, workflow, rules, and one transaction around what they decide."""
