"""The only place that talks to a database: SQLite or PostgreSQL, one code path."""
