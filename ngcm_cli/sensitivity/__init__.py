"""What a forecast depends on: adjoint gradients of targets, and singular vectors.

`find.find_sensitivity` turns settings into a dataset: a `target` is a number of the
forecast, `gradient` differentiates it with respect to what the forecast starts from,
`perturbation` compares what that predicts with what happens, `singular_vectors` has the
perturbations that grow most, and `file` writes them.
"""
