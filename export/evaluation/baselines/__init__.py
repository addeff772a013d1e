"""What the recommender is held to: popularity, co-occurrence, matrix factorisation, and the frozen text vectors."""
