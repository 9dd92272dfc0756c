"""From a source to scaled arrays: sources, split, scaling, and what a network is to learn."""
