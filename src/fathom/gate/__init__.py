"""Stage `gate`: bounds on metrics, which fail the pipeline."""
