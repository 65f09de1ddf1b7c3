"""The zoo: one card per model, and the small bundled model's weights and sample data.

Data only; it ships as ``ngcm_cli.models``. The network itself is in ``ngcm_cli/gcm/``.
"""
