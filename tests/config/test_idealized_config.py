"""Settings of idealized cases: how they are read, and what is refused."""

import numpy as np
import pytest

from ngcm_cli.config import IdealizedConfig
from ngcm_cli.errors import ConfigError


def test_every_setting_is_read_and_written_again():
    config = IdealizedConfig(
        case="held-suarez", truncation="t42", levels="0, 0.3,1", days="0.25",
        time_step="10m", every="3h", variables="t,u", output_levels="850,500",
        grid="2", output="out.zarr", zarr_format="2", overwrite="yes",
        restart_every="6h",
    )  # fmt: skip
    assert config.truncation == "T42" and config.levels == (0, 0.3, 1)
    assert config.lead == np.timedelta64(6, "h")
    assert IdealizedConfig(**config.as_flags()) == config
    assert config.command_line() == (
        "ngcm idealized held-suarez --truncation T42 --levels 0.0,0.3,1.0 --days 0.25 "
        "--time-step 10m --every 3h --variables t,u --output-levels 500,850 --grid 2 "
        "--output out.zarr --zarr-format 2 --overwrite --restart-every 6h"
    )
    plain = IdealizedConfig(truncation=42, levels=[20], days=12, time_step="auto")
    assert (plain.truncation, plain.levels, plain.days) == ("T42", 20, 12)
    assert plain.time_step is None


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"truncation": "42x"}, "not a triangular truncation"),
        ({"truncation": "TL63"}, "not a triangular truncation"),
        ({"truncation": "T4"}, "too coarse"),
        ({"truncation": "T1001"}, "too fine"),
        ({"levels": "1"}, "cannot be 1 levels"),
        ({"levels": "2.5"}, "cannot be 2.5 levels"),
        ({"levels": "nan"}, "are not levels"),
        ({"levels": ""}, "are not levels"),
        ({"levels": "0,1"}, "do not ascend"),
        ({"levels": "0,0.5,0.5,1"}, "do not ascend"),
        ({"levels": "0,0.5,0.50000001,1"}, "do not ascend"),
        ({"levels": "0.1,0.5,1"}, "do not ascend"),
        ({"levels": "0,0.5,0.9"}, "do not ascend"),
        ({"days": "0"}, "not a length in days"),
        ({"days": "inf"}, "not a length in days"),
        ({"days": "1e-5"}, "not a length in days"),
        ({"days": "1.5", "every": "1d"}, "not a multiple of every 1d"),
        ({"every": "0h"}, "every is zero"),
        ({"every": "6h", "restart_every": "9h"}, "not a multiple of every 6h"),
        ({"time_step": "90s"}, "whole minutes"),
        ({"time_step": "0m"}, "whole minutes"),
        ({"time_step": "7m", "every": "6h"}, "not a multiple of time_step 7m"),
        ({"variables": ""}, "variables is empty"),
        ({"data": "era5.nc"}, "Unknown setting 'data'"),
        ({"seed": "3"}, "Unknown setting 'seed'"),
    ],
)
def test_what_is_refused(settings, said):
    with pytest.raises(ConfigError) as caught:
        IdealizedConfig(**settings)
    assert said in caught.value.message
    assert caught.value.hint.endswith((".", "?"))
