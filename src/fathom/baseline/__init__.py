"""Stage `baseline`: scikit-learn models to compare networks with."""
