import numpy as np
import pytest

from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.inputs.cell_areas import area_weights
from ngcm_cli.verification.regions import REGIONS, parse_region, region_weights

LATITUDE = np.linspace(-90, 90, 73)
LONGITUDE = np.arange(144) * 2.5


def cells(name, **keywords):
    """Return the latitudes and longitudes of the cells of a region."""
    (weights,) = region_weights([name], LATITUDE, LONGITUDE, **keywords)
    rows, columns = np.nonzero(weights)
    return set(LATITUDE[rows]), set(LONGITUDE[columns])


def test_every_region_has_area_weights_inside():
    weights = region_weights(list(REGIONS), LATITUDE, LONGITUDE)
    area = np.broadcast_to(area_weights(LATITUDE)[:, None], weights.shape[1:])
    np.testing.assert_array_equal(weights[0], area)
    assert all(np.array_equal(w[w > 0], area[w > 0]) for w in weights)


def test_bounds_belong_to_a_region():
    latitude, longitude = cells("europe")
    assert (min(latitude), max(latitude)) == (35, 75)
    east_of_greenwich = {lon for lon in longitude if lon < 180}
    assert max(east_of_greenwich) == 42.5
    assert min(longitude - east_of_greenwich) == 347.5
    assert len(longitude) == 23


def test_region_across_the_date_line():
    _, longitude = cells("north_pacific")
    assert (min(longitude), max(longitude)) == (145, 230)
    box = region_weights(["pacific=25:60,145:230"], LATITUDE, LONGITUDE)
    np.testing.assert_array_equal(
        box, region_weights(["north_pacific"], LATITUDE, LONGITUDE)
    )


def test_float32_and_negative_longitudes_are_the_same_cells():
    west_first = ((LONGITUDE + 180) % 360 - 180).astype(np.float32)
    for name in REGIONS:
        np.testing.assert_allclose(
            region_weights([name], LATITUDE.astype(np.float32), west_first),
            region_weights([name], LATITUDE, LONGITUDE),
            rtol=1e-6,
        )


def test_extratropics_are_both_hemispheres():
    names = ["extratropics", "northern_extratropics", "southern_extratropics"]
    both, north, south = region_weights(names, LATITUDE, LONGITUDE)
    np.testing.assert_array_equal(both, north + south)
    assert min(cells("northern_extratropics")[0]) == 20


def test_land_and_sea_are_the_region():
    mask = np.random.default_rng(0).random((73, 144))
    names = ["europe", "europe_land", "europe_sea"]
    whole, land, sea = region_weights(names, LATITUDE, LONGITUDE, mask)
    np.testing.assert_array_equal(whole, land + sea)
    assert (mask[land > 0] >= 0.5).all() and (mask[sea > 0] < 0.5).all()
    box = region_weights(["mine_land=35:75,-12.5:42.5"], LATITUDE, LONGITUDE, mask)
    np.testing.assert_array_equal(box[0], land)


def test_names_are_written_in_full():
    assert parse_region("ausnz")[0] == "australia_new_zealand"
    assert parse_region("AusNZ_land")[0] == "australia_new_zealand_land"
    assert parse_region("north-atlantic") == (
        "north_atlantic",
        REGIONS["north_atlantic"],
    )
    assert parse_region("alps = 43:49, 5:17")[0] == "alps"
    assert parse_region("all=-90:90,0:360")[1].contains(LATITUDE, LONGITUDE).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("euope", "Did you mean 'europe'"),
        ("xyz", "Choose from global"),
        ("a=1:2", "does not define"),
        ("a=1:2,3:x", "does not define"),
        ("1a=1:2,3:4", "does not define"),
        ("a=2:1,3:4", "south:north"),
        ("a=-91:1,3:4", "south:north"),
        ("a=1:2,3:3", "west:east"),
        ("a=1:2,200:-160", "west:east"),
        ("a=1:2,3:400", "west:east"),
        ("europe=1:2,3:4", "already"),
        ("europe_land=1:2,3:4", "already"),
    ],
)
def test_what_is_no_region_is_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_region(text)


def test_what_has_no_cells_or_no_mask_is_refused():
    with pytest.raises(ConfigError, match="no cell"):
        region_weights(["dot=1:2,1:2"], LATITUDE, LONGITUDE)
    with pytest.raises(ConfigError, match="no cell"):
        region_weights(["global_land"], LATITUDE, LONGITUDE, np.zeros((73, 144)))
    with pytest.raises(ConfigError, match="land-sea mask"):
        region_weights(["global_land"], LATITUDE, LONGITUDE)
    with pytest.raises(InputDataError, match="land-sea mask"):
        region_weights(["global"], LATITUDE, LONGITUDE, np.full((73, 144), np.nan))
