"""Files with odd text, values and layouts: a picture, or a sentence."""

import netCDF4
import numpy as np
import pytest
import xarray as xr
from plot_data import forecast, scores

import ngcm_cli
from ngcm_cli.errors import InputDataError
from ngcm_cli.plots.hovmoller import draw_hovmoller
from ngcm_cli.plots.picture import plot
from ngcm_cli.plots.section import draw_section
from ngcm_cli.plots.styles import power_of_ten

TEXT = "\x1b[31m $\\frac{1}{$ $_{ 气 \u202e <b>&" + "x" * 300_000


@pytest.mark.parametrize("what", ["map", "hovmoller", "spectra"])
def test_text_of_a_file_is_no_formula_and_is_bounded(tmp_path, what):
    data = forecast()
    data.attrs = dict.fromkeys(("model", "license", "title"), TEXT)
    data.attrs["source_id"] = np.arange(3)
    data["a$_{"] = data["temperature"].assign_attrs(long_name=TEXT, units=TEXT)
    data.to_netcdf(tmp_path / "f.nc")
    variable = {"variable": ["a$_{"]} if what != "spectra" else {}
    path = plot(
        tmp_path / "f.nc", what=what, dpi=40, output=tmp_path / "o.svg", **variable
    )
    drawn = path.read_text()
    assert len(drawn) < 5e6
    assert "\x1b" not in drawn
    assert "\u202e" not in drawn
    assert "$\\frac" in drawn or what == "hovmoller"
    if what == "spectra":
        assert power_of_ten(2)[-1] in drawn and "mathdefault" not in drawn


def test_a_section_or_hovmoller_diagram_of_nothing_is_refused():
    """Also where values are only above the levels shown."""
    field = forecast()["temperature"].mean("longitude", keep_attrs=True)
    field = field.isel(init_time=0, drop=True)
    hidden = field.isel(lead_time=0).where(field["level"] < 500)
    with pytest.raises(InputDataError, match="temperature has no values where"):
        draw_section(hidden, top=400)
    with pytest.raises(InputDataError, match="temperature has no values where"):
        draw_hovmoller(field.rename(lead_time="time").isel(level=0) * np.nan)


def test_scores_of_another_layout_are_refused(tmp_path):
    odd = scores().drop_vars("region")
    odd.to_netcdf(tmp_path / "s.nc")
    with pytest.raises(InputDataError, match="does not hold scores as ngcm writes"):
        plot(tmp_path / "s.nc", what="scores", output=tmp_path / "o.png")
    with pytest.raises(InputDataError, match="does not hold scores as ngcm writes"):
        ngcm_cli.report(tmp_path / "s.nc", output=tmp_path / "o.html")
    assert sorted(x.name for x in tmp_path.iterdir()) == ["s.nc"]


def test_report_of_a_file_with_text_and_fields_partly_missing(tmp_path):
    # Named members are variable text, with which the C library has crashed.
    data = forecast(members=2).where(lambda x: x.latitude > 0)
    data = data.assign_coords(realization=["first", "second"])
    data.to_netcdf(tmp_path / "f.nc")
    page = ngcm_cli.report(tmp_path / "f.nc", output=tmp_path / "o.html").read_text()
    assert "Largest wind speed" in page
    assert "100% of the values are missing" not in page.partition("Mean")[0]


def test_distant_and_empty_initial_times(tmp_path):
    data = forecast()
    distant = xr.date_range("1600-02-29", periods=1, use_cftime=True)
    data.assign_coords(init_time=distant).to_netcdf(tmp_path / "f.nc")
    with ngcm_cli.open_gridded(str(tmp_path / "f.nc")) as opened:
        assert opened["init_time"].values == np.datetime64("1600-02-29")
    data = forecast(members=2)
    for name in "init_time", "lead_time", "realization":
        data.isel({name: slice(0, 0)}).to_netcdf(tmp_path / "empty.nc")
        with pytest.raises(InputDataError, match="is empty"):
            ngcm_cli.open_gridded(str(tmp_path / "empty.nc"))


def test_axes_of_billions_are_refused_before_they_are_read(tmp_path):
    with netCDF4.Dataset(tmp_path / "f.nc", "w") as file:
        file.createDimension("time", 2**31)
        file.createVariable("time", "f8", ("time",), chunksizes=(1024,))
    with pytest.raises(InputDataError, match="more than any axis"):
        plot(tmp_path / "f.nc", output=tmp_path / "o.png")
    with pytest.raises(InputDataError, match="more than any axis"):
        ngcm_cli.report(tmp_path / "f.nc", output=tmp_path / "o.html")
