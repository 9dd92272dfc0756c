"""`fathom doctor`: whether everything is there that Fathom needs."""
