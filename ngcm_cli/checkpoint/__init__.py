"""From the files of a model to a model: its specification and its named arrays.

``spec`` is the architecture as plain data and ``card`` the description around it;
``native`` reads and writes our own format, ``build`` makes the model and ``weights``
hands it its arrays. Files that others publish are translated in ``published``.
"""
