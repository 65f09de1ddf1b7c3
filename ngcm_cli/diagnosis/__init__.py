"""Physical consistency and climate of a run: balance, budgets, circulation, trends.

`diagnose` opens a run and a reference, chooses what each topic is computed from, reads
the fields time by time, and returns numbers, curves and maps. A topic is a function
that reduces the fields of one time, and one that concludes from averages, beside the
formulas in the file of its subject; `topics` lists them.
"""
