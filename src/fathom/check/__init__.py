"""Warnings of data that makes figures look better or worse than they are.

What is let pass is chosen such that data without these faults gives no warning.
"""
