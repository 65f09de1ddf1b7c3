"""ARCO-ERA5: the ERA5 reanalysis as one public Zarr store of Google Cloud.

Carver & Merose (2023, ARCO-ERA5: An analysis-ready cloud-optimized reanalysis dataset,
22nd Conference on AI for Environmental Science, American Meteorological Society).
"""

import dataclasses
from typing import TYPE_CHECKING

from ngcm_cli.io.progress import ByteProgress, no_progress

if TYPE_CHECKING:
    import xarray as xr


@dataclasses.dataclass(frozen=True)
class ArcoEra5:
    """Hourly ERA5 since 1940 on 37 pressure levels and a grid of 0.25 degrees.

    Attributes:
        name: Short name.
        summary: What it holds.
        url: Address of the Zarr store.
    """

    name: str = "arco"
    summary: str = "ERA5 in the cloud"
    url: str = "gs://gcp-public-data-arco-era5/ar/full_37-1h-0p25deg-chunk-1.zarr-v3"

    def open(
        self, *, offline: bool = False, progress: ByteProgress = no_progress
    ) -> "xr.Dataset":
        """Open the store; see `named.NamedSource`."""
        from ngcm_cli.inputs.sources.open import open_dataset  # imports xarray

        return open_dataset(self.url, offline=offline, progress=progress)


ARCO = ArcoEra5()
