"""The JSON API below `/api/v1`: the same services as the pages, the same problems, one body shape for errors."""
