"""Stage `compare`: networks against the best baseline and each other."""
