"""How good a model is: one set of metrics for networks and baselines alike."""
