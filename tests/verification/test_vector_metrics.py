import numpy as np
from synthetic_fields import LATITUDE, LONGITUDE, random_fields, region_means

from ngcm_cli.verification.deterministic_metrics import deterministic_statistics
from ngcm_cli.verification.metrics import METRICS
from ngcm_cli.verification.regions import region_weights
from ngcm_cli.verification.vector_metrics import vector_statistics

WEIGHTS = region_weights(["global", "tropics"], LATITUDE, LONGITUDE)


def test_vector_error():
    forecast, truth = random_fields(0, 2), random_fields(1, 2, missing=True)
    statistics = vector_statistics(tuple(forecast), tuple(truth), WEIGHTS)
    squares = np.square(forecast - truth).sum(axis=0)
    np.testing.assert_allclose(
        METRICS["vector_rmse"](statistics.means()),
        np.sqrt(region_means(squares, WEIGHTS)),
        rtol=1e-10,
    )


def test_vector_error_of_one_component():
    u, v, truth = random_fields(0), random_fields(1), random_fields(2)
    vector = vector_statistics((u, v), (truth, v), WEIGHTS)
    scalar = deterministic_statistics(u, truth, WEIGHTS)
    np.testing.assert_allclose(
        vector["squared_vector_error"].total, scalar["squared_error"].total, rtol=1e-14
    )
