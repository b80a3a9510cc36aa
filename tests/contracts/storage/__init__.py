"""The storage contract: every test here runs on SQLite and on PostgreSQL."""
