"""Pictures of fields, scores and runs, and the report."""
