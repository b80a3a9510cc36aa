"""What is checked of a package before it is compiled, one small function per rule."""
