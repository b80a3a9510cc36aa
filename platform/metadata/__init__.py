"""What an app says: definitions, pure and free of any database, HTTP, hook or clock."""
