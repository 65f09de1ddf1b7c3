"""Sensitivity of forecasts to what they start from: adjoint gradients, singular vectors."""
