"""Stage `split`: which rows train, validate and test."""
