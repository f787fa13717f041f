"""Where outside text comes in and goes out: hostile input is read here, secrets are replaced here, and every
output format has one writer of outside text."""
