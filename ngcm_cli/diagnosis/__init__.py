"""Physical consistency and climate of a run: balance, budgets, circulation, trends."""
