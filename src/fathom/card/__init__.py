"""Model cards (Mitchell et al. 2019, arXiv 1810.03993), for an exported network and the report."""
