"""Training of models: examples, normalisation, losses.

``example`` is one start with the truth that a forecast from it is compared with,
``trajectory`` the forecast, ``errors`` puts forecast and truth into one array per
space, ``losses`` compares them. ``normalisation`` finds what errors are divided by.
"""
