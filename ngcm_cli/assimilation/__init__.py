"""4D-Var: the initial state that fits observations best, by the model's own gradient.

`assimilate` is the command; `variational` the cost and its minimisation,
`background_error` and `observation_operator` what it is made of, `observation_table`
what users give, `departures` quality control and statistics, `analysis_fields` and
`analysis_file` what is written.
"""
