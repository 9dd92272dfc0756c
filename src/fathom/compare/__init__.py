"""Stage `compare`: networks against the best baseline."""
