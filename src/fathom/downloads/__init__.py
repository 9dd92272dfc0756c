"""Downloads that can be trusted: whole, checked, and kept for the next time."""
