"""What an unknown table seems to hold: kinds of columns, dates, what to leave out, the task."""
