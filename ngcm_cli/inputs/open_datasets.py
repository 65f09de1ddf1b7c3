"""The datasets of one run, each opened once."""

import contextlib
from typing import TYPE_CHECKING, Self

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.sources.download import downloaded_path
from ngcm_cli.inputs.sources.location import redacted, resolve_location
from ngcm_cli.inputs.sources.object_store import is_url
from ngcm_cli.io.progress import ByteProgress, no_progress

if TYPE_CHECKING:
    from ngcm_cli.inputs.input_dataset import InputDataset


class OpenDatasets:
    """A context in which datasets are opened, each once, and closed at the end.

    The analysis and the surface forcing of a run are often in the same dataset. The
    hint of an offline run names ``prefetch_command``, which fetches what is needed.
    """

    def __init__(
        self,
        model_inputs: ModelInputs,
        *,
        offline: bool = False,
        progress: ByteProgress = no_progress,
        prefetch_command: str | None = None,
    ):
        self.model_inputs = model_inputs
        self.progress = progress
        self._offline = offline
        self._prefetch_command = prefetch_command
        self._opened: dict[str, InputDataset] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def open(self, location: str) -> "InputDataset":
        """Return the dataset at a location, opened if it is not open yet.

        Raises:
            InputDataError: It cannot be opened, or is on a server in an offline run.
        """
        if location not in self._opened:
            # Imports xarray, which a run from cached fields does not need.
            from ngcm_cli.inputs.input_dataset import InputDataset

            self._check_reachable(location)
            self._opened[location] = self._stack.enter_context(
                InputDataset.open(
                    location,
                    self.model_inputs.readable,
                    offline=self._offline,
                    progress=self.progress,
                )
            )
        return self._opened[location]

    def _check_reachable(self, location: str) -> None:
        """Refuse a server in an offline run, unless its file was fetched before."""
        url = resolve_location(location)
        if not self._offline or not is_url(url) or downloaded_path(url).exists():
            return
        command = self._prefetch_command
        hint = "run without --offline and --dry-run."
        hint = f"Fetch it with `{command}`, or {hint}" if command else hint.capitalize()
        raise InputDataError(
            f"What is needed from {redacted(location)} is not on this computer, and no "
            "network may be used.",
            hint,
        )
