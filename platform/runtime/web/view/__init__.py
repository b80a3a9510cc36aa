"""What lists, forms and records look like, prepared once per definition, locale and policy."""
