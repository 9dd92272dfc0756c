"""Stage `split`: which rows are in the training, validation and test set."""
