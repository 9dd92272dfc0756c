"""Stage `gate`: bounds that metrics must keep."""
