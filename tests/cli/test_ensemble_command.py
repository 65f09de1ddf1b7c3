"""``ngcm ensemble``: dry runs, what is refused, adding members, resuming."""

import pytest
import xarray as xr


@pytest.fixture
def ensemble(ngcm):
    return lambda *args: ngcm("ensemble", *args)


def test_a_dry_run(tiny, ensemble, tmp_path):
    code, out, err = ensemble(
        *("-n", "50", "--batch", "4", "--statistics", "mean,p10", "--dry-run"),
        *("--init", "1959-01-02"),
    )
    assert (code, err) == (0, "")
    assert "members 0 to 49, 4 at once" in out
    assert "mean, p10 over all members" in out
    assert "tiny_1959-01-02T00_ensemble.zarr" in out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "args, sentence",
    [
        (("-n", "0"), "'0' is not a positive whole number"),
        (("--members", "5:5"), "'5:5' has no members"),
        (("--statistics", "mode"), "There is no statistic 'mode'"),
        (("--no-keep-members",), "Nothing would be written"),
        (("--perturb", "white"), "'white' is none of none, gaussian, spherical"),
        (("--init", "1959-01-02/1959-01-01/6h"), "has no times"),
        (("--precision", "double"), "'double' is none of published, float32, fast"),
        (("--output", "a.grib"), "has no known format"),
        (("--process", "0/2"), "need both --coordinator and --process"),
        (("--resume", "nothing.zarr"), "nothing.zarr does not exist"),
        (("--resume", ""), "has no run.json: no run is there"),
        (("--seed", "1", "--resume", "x.zarr"), "x.zarr does not exist"),
    ],
)
def test_bad_input_is_exit_2(tiny, ensemble, tmp_path, args, sentence):
    code, out, err = ensemble(*args)
    assert (code, out) == (2, "")
    assert sentence in err and "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_members_are_added_and_nothing_is_computed_twice(tiny, ensemble, tmp_path):
    settings = ("--lead", "6h", "--batch", "2", "--output", "out.zarr")
    code, out, err = ensemble("--members", "2", *settings)
    assert (code, out) == (0, "out.zarr\n")
    assert "members 0 to 1" in err
    code, _, err = ensemble("--members", "1:3", *settings)
    assert code == 2 and "exists and has member 1 already" in err
    more = ("--members", "2:4", "--output", "out.zarr")
    code, out, err = ensemble(*more, "--lead", "12h")
    assert (code, out) == (2, "") and "was made with lead 6h, not 12h." in err
    code, out, err = ensemble(*more, "--dry-run")
    assert (code, err) == (0, "") and "members 2 to 3 are added to the output" in out
    code, out, err = ensemble(*more)  # the other settings are those of the output
    assert (code, out) == (0, "out.zarr\n")
    assert "members 2 to 3" in err and "members 0 to 1" not in err
    with xr.open_zarr("out.zarr", chunks=None) as ds:
        assert ds.realization.values.tolist() == [0, 1, 2, 3]
        assert not ds.temperature.isnull().any()
        assert len({float(x) for x in ds.temperature[:, 0, 0, 0, 0, 0]}) == 4
        assert len(ds.attrs["history"].splitlines()) == 2
    code, out, err = ensemble("--resume", "out.zarr")
    assert (code, out) == (0, "out.zarr\n") and "nothing is missing" in err
    code, _, err = ensemble("--resume", "out.zarr", "--seed", "3")
    assert code == 2 and "--seed cannot be given with --resume." in err
    code, _, err = ensemble("--resume", "out.zarr", "--members", "4:6")
    assert code == 2 and "give --output out.zarr in place of --resume." in err
    code, out, err = ensemble("--resume", "out.zarr", "--dry-run")
    assert (code, err) == (0, "") and "members 0 to 3, 2 at once" in out
    assert "\nState      complete\n" in out
    code, _, err = ensemble("--resume", "out.zarr", "--on-instability", "rewind")
    assert code == 0
