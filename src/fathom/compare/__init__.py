"""Stage `compare`: whether networks are better than the best baseline."""
