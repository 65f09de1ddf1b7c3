"""Data that come with the package: an analysis, an SST record and a climatology."""

import numpy as np

from ngcm_cli.zoo.catalogue import bundled_folder

SAMPLE_NAME = "era5_tl31_1959-01-02T00.nc"
"""File of the bundled ERA5 analysis."""

SAMPLE_TIME = np.datetime64("1959-01-02T00", "s")
"""Valid time of the bundled analysis, UTC."""

CLIMATOLOGY_NAME = "amip_clim_sst_seaice_t63.nc"
"""File of AMIP's monthly climatology of sea-surface temperature and sea ice."""

SST_RECORD_NAME = "oisst_sst_monthly_2p5deg_198112_202301.nc"
"""File of monthly means of NOAA OISST, sea-surface temperature without sea ice."""

SST_RECORD_NOTE = (
    "The bundled SST record has no sea ice: no record of sea ice for its years was "
    "available to bundle."
)
"""Note on runs that are forced by the bundled record."""


def sample_path() -> str:
    """Return the path of the bundled analysis."""
    return str(bundled_folder() / SAMPLE_NAME)


def climatology_path() -> str:
    """Return the path of AMIP's climatology."""
    return str(bundled_folder() / CLIMATOLOGY_NAME)


def sst_record_path() -> str:
    """Return the path of the bundled SST record."""
    return str(bundled_folder() / SST_RECORD_NAME)
