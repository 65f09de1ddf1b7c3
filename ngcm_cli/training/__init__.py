"""Training of models: from settings and data to new weights.

``example`` is one start with the truth that a forecast from it is compared with,
``trajectory`` the forecast, ``packed_levels`` puts forecast and truth into one array
per space, ``comparison`` compares these, ``losses`` adds what it finds.
``normalisation`` finds what errors are divided by.

``setup`` checks settings and data, ``update`` has the compiled programs, ``trainer``
the loop, ``training_directory`` the files, ``result`` the trained model; ``run`` is the
verb.
"""
