"""Statistics on disk while forecasts are evaluated, from which scores follow.

A folder beside the score file has a file for every block of initial times that is
complete, ``block-3.npz``, with the statistics of each of them; ``sums.npz`` has maps
and spectra, added over blocks, with the numbers of these. A worker of a cluster writes
the sums of its block to ``block-3.sums.npz``, before ``block-3.npz``; whoever evaluates
adds them to ``sums.npz``. Killed at any moment, an evaluation continues after the last
block that is in both.
"""

import dataclasses
import json
import pathlib
import shutil
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ngcm_cli.errors import OutputError
from ngcm_cli.io.atomic import atomic_file, translate_os_errors, write_text
from ngcm_cli.verification.pair_scorer import InitialTimeStatistics
from ngcm_cli.verification.statistics import Statistics
from ngcm_cli.verification.sums_over_times import Key, SumsOverTimes

_SETTINGS, _SUMS = "settings.json", "sums.npz"
_SEPARATOR = "|"


@dataclasses.dataclass
class Missing:
    """What was not scored.

    Attributes:
        truth: valid times without truth, by variable, as text.
        forecasts: number of records without values, by forecast and variable.
        incomplete: number of fields with cells without data that the truth has, by
            forecast and variable.
    """

    truth: dict[str, set[str]] = dataclasses.field(default_factory=dict)
    forecasts: dict[Key, int] = dataclasses.field(default_factory=dict)
    incomplete: dict[Key, int] = dataclasses.field(default_factory=dict)


class PartialScores:
    """The statistics of an evaluation that is not complete.

    Args:
        folder: directory of the files.
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self._held: SumsOverTimes | None = None

    @classmethod
    def beside(cls, output: pathlib.Path) -> "PartialScores":
        """Return those of a score file."""
        return cls(output.with_name(f"{output.name}.partial"))

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Create the folder.

        Raises:
            OutputError: it cannot be written.
        """
        with self._translated():
            self.folder.mkdir(exist_ok=True)
            write_text(self.folder / _SETTINGS, json.dumps(settings))

    def settings(self) -> dict[str, Any] | None:
        """Return the settings of the evaluation; None if there is none."""
        try:
            return json.loads((self.folder / _SETTINGS).read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            raise OutputError(
                f"{self.folder} is damaged.", "Remove it, and evaluate again."
            ) from None

    def remove(self) -> None:
        """Remove all files."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def write_block(
        self, block: int, results: Mapping[int, InitialTimeStatistics]
    ) -> None:
        """Write the statistics of a block of initial times, by their number.

        Raises:
            OutputError: the disk is full.
        """
        arrays: dict[str, np.ndarray] = {}
        rows: dict[Key, list[int]] = {}
        for number, result in results.items():
            for key in result.scores:
                rows.setdefault(key, []).append(number)
        for key, numbers in rows.items():
            stacked = Statistics.stack([results[n].scores[key] for n in numbers])
            arrays |= _named(key, stacked)
            arrays[_SEPARATOR.join((*key, "rows"))] = np.array(numbers)
        arrays["missing"] = np.array(json.dumps(_describe(results.values())))
        self._write(f"block-{block}.npz", arrays)

    def write_block_sums(self, block: int, sums: SumsOverTimes) -> None:
        """Write the maps and spectra of one block, before its statistics."""
        arrays: dict[str, np.ndarray] = {}
        for key, statistics in sums.as_statistics().items():
            arrays |= _named(key, statistics)
        self._write(f"block-{block}.sums.npz", arrays)

    def write_sums(self, sums: SumsOverTimes, blocks: Iterable[int]) -> None:
        """Write maps and spectra of some blocks, and remove their own files."""
        arrays: dict[str, np.ndarray] = {}
        for key, statistics in sums.as_statistics().items():
            arrays |= _named(key, statistics)
        arrays["blocks"] = np.array(sorted(blocks), np.int64)
        self._write(_SUMS, arrays)
        for block in blocks:
            (self.folder / f"block-{block}.sums.npz").unlink(missing_ok=True)

    def hold_sums(self, sums: SumsOverTimes) -> None:
        """Keep maps and spectra of all blocks in memory, from which `sums` has them."""
        self._held = sums

    def complete_blocks(self) -> set[int]:
        """Return the numbers of blocks whose statistics and sums are there."""
        summed = self._summed()
        return {
            block
            for block in self._blocks()
            if block in summed or (self.folder / f"block-{block}.sums.npz").exists()
        }

    def read_sums(self, sums: SumsOverTimes) -> set[int]:
        """Add maps and spectra of complete blocks; return the numbers of all of these.

        Raises:
            OutputError: a file is damaged.
        """
        summed, complete = self._summed(), self.complete_blocks()
        names = [_SUMS] if summed else []
        names += [f"block-{block}.sums.npz" for block in sorted(complete - summed)]
        for name in names:
            with self._open(name) as file:
                sums.merge(_statistics(file))
        return complete

    def read(self, key: Key, names: Iterable[str]) -> tuple[np.ndarray, Statistics]:
        """Return the numbers of initial times and some statistics, in their order.

        Args:
            key: forecast and variable.
            names: of the statistics; nothing is returned if one of them is not there.

        Raises:
            OutputError: a file is damaged.
        """
        rows, parts = [], []
        prefix = _SEPARATOR.join(key) + _SEPARATOR
        for block in self._blocks():
            with self._open(f"block-{block}.npz") as file:
                wanted = [n + end for n in names for end in (".sum", ".weight")]
                if not {prefix + name for name in (*wanted, "rows")} <= set(file):
                    continue
                rows.append(file[f"{prefix}rows"])
                parts.append(
                    Statistics.from_arrays({n: file[prefix + n] for n in wanted})
                )
        if not parts:
            return np.array([], np.int64), Statistics()
        numbers = np.concatenate(rows)
        statistics = Statistics.concatenate(parts, 0) if len(parts) > 1 else parts[0]
        if (np.diff(numbers) > 0).all():
            return numbers, statistics
        return np.sort(numbers), statistics.take(np.argsort(numbers))

    def sums(self) -> dict[Key, Statistics]:
        """Return maps and spectra of all complete blocks."""
        if self._held is not None:
            return self._held.as_statistics()
        with self._open(_SUMS) as file:
            return _statistics(file)

    def missing(self) -> Missing:
        """Return what was not scored."""
        found = Missing()
        for block in self._blocks():
            with self._open(f"block-{block}.npz") as file:
                said = json.loads(str(file["missing"]))
            for variable, times in said["truth"].items():
                found.truth.setdefault(variable, set()).update(times)
            for name in "forecasts", "incomplete":
                counts = getattr(found, name)
                for forecast, variable, count in said[name]:
                    key = forecast, variable
                    counts[key] = counts.get(key, 0) + count
        return found

    def _summed(self) -> set[int]:
        if not (self.folder / _SUMS).exists():
            return set()
        with self._open(_SUMS) as file:
            return set(file["blocks"].tolist())

    def _blocks(self) -> list[int]:
        found = self.folder.glob("block-*.npz")
        numbers = (path.name.split("-")[1].removesuffix(".npz") for path in found)
        return sorted(int(number) for number in numbers if number.isdigit())

    def _write(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        with self._translated(), atomic_file(self.folder / name) as file:
            np.savez(file, allow_pickle=False, **arrays)

    def _open(self, name: str) -> Any:
        path = self.folder / name
        try:
            return np.load(path)
        except (ValueError, EOFError, OSError, zipfile.BadZipFile):
            raise OutputError(
                f"{path} is damaged or missing.",
                f"Remove {self.folder}, and evaluate again.",
            ) from None

    def _translated(self) -> Any:
        return translate_os_errors(
            "The evaluation", lambda advice: f"{advice}, then continue with --resume."
        )


def _named(key: Key, statistics: Statistics) -> dict[str, np.ndarray]:
    arrays = statistics.to_arrays()
    return {_SEPARATOR.join((*key, name)): x for name, x in arrays.items()}


def _statistics(file: Any) -> dict[Key, Statistics]:
    arrays: dict[Key, dict[str, np.ndarray]] = {}
    for name in file:
        if _SEPARATOR in name:
            forecast, variable, statistic = name.split(_SEPARATOR)
            arrays.setdefault((forecast, variable), {})[statistic] = file[name]
    return {key: Statistics.from_arrays(found) for key, found in arrays.items()}


def _describe(results: Iterable[InitialTimeStatistics]) -> dict[str, Any]:
    truth: dict[str, set[str]] = {}
    forecasts: dict[Key, int] = {}
    incomplete: dict[Key, int] = {}
    for result in results:
        for variable, times in result.missing_truth.items():
            truth.setdefault(variable, set()).update(map(str, times))
        for counts, found in (
            (forecasts, result.missing_forecasts),
            (incomplete, result.incomplete),
        ):
            for key, count in found.items():
                counts[key] = counts.get(key, 0) + count
    return {
        "truth": {name: sorted(times) for name, times in truth.items() if times},
        "forecasts": [[*key, n] for key, n in forecasts.items() if n],
        "incomplete": [[*key, n] for key, n in incomplete.items() if n],
    }
