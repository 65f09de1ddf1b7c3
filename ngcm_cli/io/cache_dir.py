"""Where weights, data and compiled programs are kept between runs."""

import os
import pathlib

import platformdirs


def cache_dir() -> pathlib.Path:
    """Return ``$NGCM_HOME``, or else the platform's cache folder of ``ngcm``."""
    return pathlib.Path(
        os.environ.get("NGCM_HOME") or platformdirs.user_cache_path("ngcm")
    )
