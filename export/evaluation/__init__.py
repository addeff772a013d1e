"""How good recommendations are: a shop's own purchases, split by time, answered by the recommender and by baselines."""
