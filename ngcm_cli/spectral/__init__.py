"""The sphere: grids, spherical-harmonic transforms, derivatives and filters.

Pure mathematics on the unit sphere; nothing here knows that air exists. Start with
``grid`` and ``transform``; ``operators`` differentiates modal fields and ``filters``
damps or truncates them. The atmosphere is in ``ngcm_cli.dynamics``. ``grid`` does not
import JAX, so that files can be checked against it at once.
"""
