"""What every stage stands on: errors, whole files, paths."""
