"""What holds when processes die, disks fill, many write at once and definitions change under load."""
