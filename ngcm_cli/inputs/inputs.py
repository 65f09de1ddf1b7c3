"""What a run starts from: a state of the atmosphere, and the sea under it."""

import contextlib
import dataclasses
import functools
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.sea import INSTEAD, SKIN, SST, WANTED, Sea
from ngcm_cli.forcing.sea_modes import SeaRequest, select_sea
from ngcm_cli.inputs.atmosphere import Atmosphere
from ngcm_cli.inputs.files import kept_file
from ngcm_cli.inputs.needs import Needs
from ngcm_cli.inputs.places import blamed_on, is_far, location, shown
from ngcm_cli.inputs.plausibility import check_orientation
from ngcm_cli.inputs.prepared import Prepared
from ngcm_cli.inputs.remote import is_url
from ngcm_cli.inputs.variables import CLOUDS, VARIABLES
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.time_format import format_time

if TYPE_CHECKING:
    from ngcm_cli.inputs.source import Source

log = logging.getLogger(__name__)

_Open = Callable[[str], "Source"]
_Judge = Callable[[Atmosphere], None]


@dataclasses.dataclass(frozen=True)
class InputRequest:
    """Which data a run starts from.

    Attributes:
        data: file, directory, URL, pattern of files, or ``arco``.
        init: initial time, or None for the only one in the data.
        lead: how long the run is.
        sea: one of `config.SEA_MODES`.
        sea_data: where the sea is, if not in ``data``.
        sea_offset: K, added to the temperature of the sea.
        climatology: path of the climatology that comes with ngcm.
        offline: use no network.
        patch: of the sea that is warmer than the rest: degrees north and east of the
            centre, degrees from there to the edge, and K.
        instead: flags that do without a record of the sea that covers the run, in
            words.
        without_ice: why the record of the sea has no ice, in words, if that is known.
        init_flag: that names the initial time.
    """

    data: str
    init: np.datetime64 | None
    lead: np.timedelta64
    sea: str
    sea_data: str | None
    sea_offset: float
    climatology: str
    offline: bool = False
    patch: tuple[float, float, float, float] | None = None
    instead: str = INSTEAD
    without_ice: str = ""
    init_flag: str = "--init"


@dataclasses.dataclass(frozen=True, eq=False)
class InitialState:
    """The atmosphere at one time, and the sea through the run, on the model's grid.

    Attributes:
        time: when the atmosphere is valid, to the second.
        fields: by ERA5 name, (level, longitude, latitude) float32, levels from the top
            down, latitudes from south to north, no NaN.
        sea: sea-surface temperature and sea ice through the run.
        source: what the atmosphere came from.
        notes: every conversion and substitution made in the atmosphere, in words; the
            sea has its own.
    """

    time: np.datetime64
    fields: dict[str, np.ndarray]
    sea: Sea
    source: str
    notes: tuple[str, ...]

    @property
    def forcing(self) -> dict[str, np.ndarray]:
        """The sea at the initial time, each field (1, longitude, latitude)."""
        return self.sea.at(self.time)


def read_inputs(
    request: InputRequest, needs: Needs, progress: ByteProgress = no_progress
) -> InitialState:
    """Read what a run starts from; everything cheap is checked before.

    What comes from far away is kept as it is prepared, and not fetched again.

    Args:
        request: which data.
        needs: of the model.
        progress: sees how far it is.

    Raises:
        InputDataError: no data, or not what is needed.
        ConfigError: the patch is no patch of the sea.
    """
    with _opening(request, needs, progress, _preparing(request, sea=True)) as opened:
        time, read = _select_atmosphere(request, needs, opened, progress)
        # Both are checked before either is read; the sea, which is small, is first.
        sea = _select_sea(request, time, needs, opened)()
        atmosphere = read(lambda state: _check_belongs(state, sea, request, needs))
    return InitialState(time, atmosphere.fields, sea, request.data, atmosphere.notes)


def check_inputs(
    requests: Sequence[InputRequest], needs: Needs, progress: ByteProgress = no_progress
) -> None:
    """Check that there is what several runs start from, and read none of it.

    Args:
        requests: which data; they differ in their initial times.
        needs: of the model.
        progress: sees how far it is.

    Raises:
        InputDataError: no data, or not what is needed.
    """
    preparing = _preparing(requests[0], sea=True)
    with _opening(requests[0], needs, progress, preparing) as opened:
        for request in requests:
            time, _ = _select_atmosphere(request, needs, opened, progress)
            _select_sea(request, time, needs, opened)


def read_atmosphere(
    request: InputRequest, needs: Needs, progress: ByteProgress = no_progress
) -> tuple[np.datetime64, Atmosphere]:
    """Read the state alone, for a run whose sea is of another time or read apart.

    As `read_inputs` reads it, but nothing is there to compare it with: the sea of its
    own season.

    Args:
        request: which data; its time is ``init``, or the only one in the data.
        needs: of the model.
        progress: sees how far it is.

    Returns:
        When it is valid, to the second, and the state.

    Raises:
        InputDataError: no data, or not what is needed.
    """
    preparing = _preparing(request, sea=False)
    try:
        with _opening(request, needs, progress, preparing) as opened:
            time, read = _select_atmosphere(request, needs, opened, progress)
            return time, read(lambda state: None)
    except InputDataError as error:
        if preparing is None or preparing not in error.hint:
            error.hint = error.hint.replace("--init", request.init_flag)
        raise


def read_sea(
    request: InputRequest,
    start: np.datetime64,
    needs: Needs,
    progress: ByteProgress = no_progress,
) -> Sea:
    """Read the sea alone, through a run of ``request.lead`` from any time on.

    Args:
        request: which data; its ``init`` is of no account.
        start: of the run.
        needs: of the model.
        progress: sees how far it is.

    Raises:
        InputDataError: no data, not what is needed, or not for the whole run.
        ConfigError: the patch is no patch of the sea.
    """
    start = start.astype("datetime64[s]")
    try:
        with _opening(request, needs, progress, None) as opened:
            return _select_sea(request, start, needs, opened)()
    except InputDataError as error:
        error.hint = error.hint.replace("--init", request.init_flag)
        raise


@contextlib.contextmanager
def _opening(
    request: InputRequest, needs: Needs, progress: ByteProgress, preparing: str | None
) -> Iterator[_Open]:
    """Opens sources, each once, and closes them in the end."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def opened(path: str) -> "Source":
            # Imports xarray, which a run from prepared data does without.
            from ngcm_cli.inputs.source import Source

            place = location(path)
            if request.offline and is_url(place) and not kept_file(place).exists():
                raise _not_here(path, preparing)
            names = (*needs.fields, *WANTED)
            source = Source.open(
                path, names, offline=request.offline, progress=progress
            )
            return stack.enter_context(source)

        yield opened


def _select_atmosphere(
    request: InputRequest, needs: Needs, opened: _Open, progress: ByteProgress
) -> tuple[np.datetime64, Callable[[_Judge], Atmosphere]]:
    """When the state is valid, and what reads it, has it judged, and then keeps it."""
    kept = Prepared.of(request.data, needs) if is_far(request.data) else None
    if kept is not None and request.init is not None:
        atmosphere = kept.load_atmosphere(request.init)
        if atmosphere is not None:
            return request.init, functools.partial(_judged, atmosphere)
    from ngcm_cli.inputs.analysis import select_atmosphere

    source = opened(request.data)
    _check_variables(source, needs, request)
    selection = select_atmosphere(source, request.init, needs)

    def read(judge: _Judge) -> Atmosphere:
        if kept is not None:
            when, place = format_time(selection.time), shown(request.data)
            log.info(f"Fetching the state of {when} from {place}")
        atmosphere = _judged(selection.read(progress), judge)
        if kept is not None:
            kept.save_atmosphere(atmosphere)
        return atmosphere

    return selection.time, read


def _judged(atmosphere: Atmosphere, judge: _Judge) -> Atmosphere:
    judge(atmosphere)
    return atmosphere


def _check_belongs(
    atmosphere: Atmosphere, sea: Sea, request: InputRequest, needs: Needs
) -> None:
    """Refuse air that is upside down, as far as a sea of its own season tells."""
    if request.sea_data is None and sea.dated and "temperature" in atmosphere.fields:
        with blamed_on(request.data):
            lowest = atmosphere.fields["temperature"][-1]
            warmth = sea.at(atmosphere.time)[SST][0]
            check_orientation(lowest, warmth, needs.grid)


def _select_sea(
    request: InputRequest, time: np.datetime64, needs: Needs, opened: _Open
) -> Callable[[], Sea]:
    """Check the sea of a run; what is returned reads it."""
    path = request.sea_data or request.data
    bundled = request.sea == "climatology" and request.sea_data is None
    wanted = SeaRequest(
        mode=request.sea,
        start=time,
        end=time + request.lead,
        offset=request.sea_offset,
        climatology=request.climatology,
        patch=request.patch,
        instead=request.instead,
        without_ice=request.without_ice,
    )
    kept = Prepared.of(path, needs) if is_far(path) and not bundled else None
    return select_sea(wanted, needs, None if bundled else lambda: opened(path), kept)


def _preparing(request: InputRequest, sea: bool) -> str | None:
    """The command that fetches what is needed ahead of a run, with or without a sea."""
    if request.init is None:
        return None
    words = {"--init": format_time(request.init), "--data": request.data}
    if sea and request.sea != "persist":
        words["--sst"] = request.sea
    if sea and request.sea_data:
        words["--sst-data"] = request.sea_data
    flags = " ".join(f"{flag} {shown(word)}" for flag, word in words.items())
    return f"ngcm data prepare {flags}"


def _not_here(path: str, preparing: str | None) -> InputDataError:
    message = f"What is needed from {shown(path)} is not on this computer, and no "
    message += "network may be used."
    hint = "Go without --offline and --dry-run."
    if preparing is not None:
        hint = f"Fetch it with `{preparing}`, or go without --offline and --dry-run."
    return InputDataError(message, hint)


def _check_variables(source: "Source", needs: Needs, request: InputRequest) -> None:
    """Refuse data that lack what nothing can stand for, all of it in one sentence."""
    missing = [n for n in needs.fields if n not in source.fields and n not in CLOUDS]
    own_sea = request.sea_data is None and request.sea != "climatology"
    if own_sea and not {SST, SKIN} & set(source.fields):
        missing.append(SST)
    if not missing:
        return
    wanted = ", ".join(f"{name} ({VARIABLES[name].aliases[0]})" for name in missing)
    flat = not any(len(f.levels) for parts in source.fields.values() for f in parts)
    unfit = "".join(f" ({words})" for words in source.unfit)
    hint = "Add them, or give them these names or their CF standard_name."
    if missing == [SST]:
        hint = "Add it, or name other data of the sea with --sst-data."
    raise InputDataError(
        f"In '{source.path}': Variables are missing: {wanted}. Found "
        f"{'no levels and ' if flat else ''}the variables {', '.join(source.there)}"
        f"{unfit}.",
        hint,
    )
