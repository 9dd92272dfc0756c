"""The stage `collect`: finds your own code, so that a change reruns only what uses it."""
