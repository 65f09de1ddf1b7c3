"""The quarantine: how a model's files become a model.

``reference`` and ``pickle_stream`` open a published checkpoint without executing it,
``gin`` and ``translate`` turn its configuration into a ``spec``, ``weights`` its
parameters into named arrays, ``build`` both into a model; ``native`` is our own format.
You can understand the model without reading this room.
"""
