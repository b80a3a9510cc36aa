"""One module per page: handlers and their route declarations."""
