"""Trains one network in several processes of a Ray cluster."""
