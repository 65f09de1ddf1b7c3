"""All topics of a diagnosis, in the order of the table."""

from ngcm_cli.diagnosis.balance import BALANCE
from ngcm_cli.diagnosis.circulation import CIRCULATION
from ngcm_cli.diagnosis.conservation import CONSERVATION
from ngcm_cli.diagnosis.eddies import (
    AVERAGED_EDDIES,
    EDDIES,
    STATIONARY_EDDIES,
    TRANSIENT_EDDIES,
)
from ngcm_cli.diagnosis.energy_exchange import ENERGY_EXCHANGE
from ngcm_cli.diagnosis.energy_spectra import ENERGY_SPECTRA
from ngcm_cli.diagnosis.modes import MODES
from ngcm_cli.diagnosis.monsoon import MONSOON, MONSOON_WIND
from ngcm_cli.diagnosis.monsoon_onset import MONSOON_ONSET
from ngcm_cli.diagnosis.seasonal_cycle import SEASONAL_CYCLE
from ngcm_cli.diagnosis.stratosphere import STRATOSPHERE, WARMINGS
from ngcm_cli.diagnosis.topic import Topic
from ngcm_cli.diagnosis.trends import TRENDS
from ngcm_cli.diagnosis.water import (
    MOISTURE_BUDGET,
    NET_PRECIPITATION,
    PRECIPITABLE_WATER,
)

TOPICS: tuple[tuple[Topic, ...], ...] = (
    (BALANCE,),
    (ENERGY_SPECTRA,),
    (ENERGY_EXCHANGE,),
    (NET_PRECIPITATION,),
    (MOISTURE_BUDGET,),
    (PRECIPITABLE_WATER,),
    (CONSERVATION,),
    (CIRCULATION,),
    (AVERAGED_EDDIES, EDDIES),
    (STATIONARY_EDDIES,),
    (TRANSIENT_EDDIES,),
    (STRATOSPHERE,),
    (WARMINGS,),
    (SEASONAL_CYCLE,),
    (MONSOON,),
    (MONSOON_ONSET,),
    (MONSOON_WIND,),
    (MODES,),
    (TRENDS,),
)
"""Topics; of several in one place the first whose data are there."""
