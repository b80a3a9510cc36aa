"""The web interface: routes, pages and the JSON interface over the services."""
