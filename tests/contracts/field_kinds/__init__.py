"""What every field kind promises, run for each of them."""
