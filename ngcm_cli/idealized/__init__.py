"""The dynamical core on its own: idealized cases without data or learned physics.

A `case.Case` names equations, an initial state, a forcing and a usual resolution; each
case has a file, with its paper and the numbers of the equations. `cases` lists them.
`model.IdealizedModel` is what the run machinery needs of a system of equations;
`primitive` holds the primitive equations, `budgets` what they keep, and
`shallow_water_model` the equations of one layer.
`run.run_idealized` is the command.
"""
