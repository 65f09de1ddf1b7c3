"""The run: its setup, its schedule, its loop, what it keeps and how it is shared.

`setup.set_up` turns settings into a `Simulation`, everything checked; `run.forecast`,
`ensemble` and `amip` are the verbs; `loop` computes `task` by `task` in windows of the
`schedule`, watched by `stability`, with `checkpoint` for restart files and `recorder`
for the output.
"""
