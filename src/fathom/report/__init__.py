"""One page that shows what came out: tables, learning curves, where the models err."""
