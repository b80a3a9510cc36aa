"""What may be added: the plugin API, and the built-in plugins that use it."""
