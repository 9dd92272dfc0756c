"""`fathom new-dataset`: what an unknown file seems to hold, written as settings."""
