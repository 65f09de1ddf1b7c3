"""The quarantine: published NeuralGCM checkpoints become a specification and arrays.

``reference`` and ``pickle_stream`` open a published file without executing it; ``gin``,
``strict_reader`` and ``translate`` turn its configuration into a ``ModelSpec``, checked
against ``shared_bindings``; ``weights`` renames its parameters. All knowledge of
pickle, gin and haiku is here; the model can be understood without reading this room.
"""
