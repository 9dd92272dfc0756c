"""Stage `check`: warnings about data that makes metrics look better or worse than they are.

The thresholds are chosen so that data without faults gives no warning.
"""
