"""Whether values that were read are values, or fill values of a store.

Zarr replaces a chunk that is missing by fill values without a word, and xarray takes a
packed zero for a value where the store does not say that it is none.
"""

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.fill_values import fill_of
from ngcm_cli.inputs.sources.open import missing_chunks
from ngcm_cli.inputs.unit_conversion import quoted_name
from ngcm_cli.inputs.variables import CLOUDS, SEA_ICE, SST, VARIABLES

# Of variables that are zero in many places, zeros tell nothing.
_NEVER_MANY_ZEROS = VARIABLES.keys() - {
    *(*CLOUDS, SEA_ICE, "specific_humidity", "relative_humidity")
}
_MUCH_LAND = 0.1  # of the globe


def check_fill(
    dataset: xr.Dataset, name: str, found: str, values: np.ndarray, units: str, when=""
) -> None:
    """Refuse fill values in place of missing chunks, and zeros that may be missing.

    Chunks may be missing if they hold NaN, and if they are zero and have no cloud or
    ice.

    Args:
        dataset: as opened.
        name: ERA5 name, or the name in the file of other variables.
        found: name in the file.
        values: as stored, unpacked, in any order.
        units: of the values.
        when: time of the values, for the message, such as `` at 2020-08-22T12``.

    Raises:
        InputDataError: a chunk is missing, or it is not known what zeros are.
    """
    fill, missing = fill_of(dataset, found), missing_chunks(dataset, found)
    is_zero = fill is not None and fill.value == 0
    # The store tells all chunks that any read has missed, not those of this one; one
    # whose fill value is NaN is seen in the values.
    is_nan = fill is not None and np.isnan(fill.value)
    if missing and not (
        is_nan
        or np.isnan(values).any()
        # There is sea ice somewhere at any time.
        or (is_zero and (name in CLOUDS or (name == SEA_ICE and values.any())))
    ):
        raise InputDataError(
            f"Variable {quoted_name(found, name)} is incomplete: the chunk "
            f"{missing[0]} is not in the store"
            f"{f' ({len(missing)} in all)' if missing[1:] else ''}.",
            "Copy the whole store again, or choose another initial time.",
        )
    if fill is None or (is_zero and name not in _NEVER_MANY_ZEROS):
        return
    doubtful = fill.count_doubtful(values)
    # That of temperature on land, or of freezing water, is recognised later.
    if doubtful and not (name == SST and doubtful > _MUCH_LAND * values.size):
        raise InputDataError(
            f"It is not known whether {doubtful} values of variable "
            f"{quoted_name(found, name)}{when} are missing: they are stored as 0, "
            f"which stands for {fill.value:g} {units} and is the fill value of the "
            "store, perhaps only by default.",
            "Say so in the metadata of the variable: the attribute missing_value 0 if "
            "they are missing, fill_value null in .zarray if they are not.",
        )
