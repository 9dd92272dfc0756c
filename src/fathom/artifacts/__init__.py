"""What one stage hands to the next: a module for each file format."""
