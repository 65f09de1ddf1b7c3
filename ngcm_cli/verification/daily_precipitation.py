"""24-hour precipitation of forecasts that hold the amount since the initial time."""

import numpy as np
import xarray as xr

from ngcm_cli.inputs.lazy_arrays import DifferenceArray
from ngcm_cli.inputs.variables import DAILY_PRECIPITATION, VARIABLES

_AMOUNT = "precipitation_cumulative_mean"
_DAY = np.timedelta64(86400, "s")
IS_DERIVED = "derived"
"""Attribute of a variable that is added."""


def with_daily_precipitation(dataset: xr.Dataset) -> xr.Dataset:
    """Return forecasts with 24-hour precipitation, where it follows from amounts.

    It is the amount since the initial time minus that a day before, and NaN at lead
    times without one a day before. It is lazy, and added only where there is none.

    Args:
        dataset: in canonical form.
    """
    has_amounts = _AMOUNT in dataset and "lead_time" in dataset[_AMOUNT].dims
    if DAILY_PRECIPITATION in dataset or not has_amounts:
        return dataset
    amount = dataset[_AMOUNT].variable
    leads = dataset["lead_time"].values.astype("timedelta64[s]")
    before = np.searchsorted(leads, leads - _DAY).clip(max=len(leads) - 1)
    earlier = np.where(leads[before] == leads - _DAY, before, DifferenceArray.NOTHING)
    is_first = (leads == _DAY) & (earlier == DifferenceArray.NOTHING)
    earlier = np.where(is_first, DifferenceArray.ZERO, earlier)
    variable = VARIABLES[DAILY_PRECIPITATION]
    attributes = {
        "units": variable.units,
        "long_name": variable.long_name,
        "cell_methods": variable.cell_methods,
        IS_DERIVED: "from the amounts since the initial time",
    }
    array = DifferenceArray(amount, amount.dims.index("lead_time"), earlier)
    added = array.variable([str(dim) for dim in amount.dims], attributes)
    result = dataset.assign({DAILY_PRECIPITATION: added})
    result.set_close(dataset.close)
    return result
