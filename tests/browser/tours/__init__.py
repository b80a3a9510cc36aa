"""Each role's day in both apps, walked by clicks alone."""
