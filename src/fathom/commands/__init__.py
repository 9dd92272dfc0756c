"""What `fathom` does beside the stages, a module for each of its commands."""
