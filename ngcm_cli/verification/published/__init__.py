"""Comparison of our runs with the forecasts that a model's authors have published.

`plan` chooses what is compared, `comparison` runs the model and compares, `differences`
and `ensemble_differences` hold the numbers and verdicts of single and of ensemble
forecasts, `defects` finds the cause of a failure, and `table` shows the result.
"""
