"""An ensemble from its plan to its output, by one process or several."""

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator

from ngcm_cli.ensemble import parts
from ngcm_cli.ensemble.claim import Claim
from ngcm_cli.ensemble.course import Course, Report
from ngcm_cli.ensemble.plan import EnsemblePlan
from ngcm_cli.ensemble.sweep import cluster, run_sweep
from ngcm_cli.errors import OutputError, UnstableRunError
from ngcm_cli.guards import enough_memory, terminable
from ngcm_cli.output.ensemble_place import go_on, make_store
from ngcm_cli.output.ensemble_store import EnsembleStore, Lost
from ngcm_cli.time_format import format_duration, format_time

log = logging.getLogger(__name__)

Watch = Callable[[Iterator[Report], EnsemblePlan], Iterable[Report]]

_NAMED = 5  # lost members, at most


def run_ensemble(plan: EnsemblePlan, track: Watch) -> None:
    """Compute, write and finish an ensemble, or what is missing from it.

    Of several processes the last to end finishes it.

    Args:
        plan: of the ensemble.
        track: sees the reports of this process pass.

    Raises:
        UnstableRunError: some members became unstable; all else is written.
        OutputError: it could not be.
    """
    scheduler = plan.config.scheduler
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(cluster(scheduler)) if scheduler else None
        claim = stack.enter_context(Claim(plan.output, plan.processes))
        plan = _begin(plan, claim)
        if plan.there is not None and plan.there.exported:
            log.info(f"{plan.output} is whole: there is nothing left to do.")
            return
        for line in plan.describe().splitlines() if plan.processes.index == 0 else ():
            log.info(line)
        store = stack.enter_context(EnsembleStore(plan.output, plan.layout))
        stack.enter_context(_keeping(store, plan.batch))
        course = Course(plan, store)
        if client is None:
            reports = course.run()
        else:
            inits = range(len(plan.layout.inits))
            missing = [init for init in inits if not store.is_done(init)]
            reports = run_sweep(plan, client, missing)
        if not plan.is_whole:
            for _ in track(reports, plan):
                pass
        if not claim.last() and plan.processes.count > 1:
            log.info("This process is done; the last of the others finishes the rest.")
            return
        course.finish()
        if not store.is_whole and plan.processes.count > 1:
            # The others have not begun yet, or have stopped, and said why.
            store.mark(status="interrupted")
            log.info(f"This process is done; others are not. {store.progress()}")
            return
        lost = store.lost()
        store.mark(status="complete")
        store.export()
        parts.forget(plan.output)
    if lost:
        raise UnstableRunError(
            f"Members became unstable: {_in_words(lost)}.",
            f"From there on they are NaN in {plan.output}, and no part of its "
            "statistics; all others are as they would be.",
        )


def _begin(plan: EnsemblePlan, claim: Claim) -> EnsemblePlan:
    """Make the store or make it ready, unless another process did; the plan for it."""
    while True:
        alone, plan = claim.take(), plan.renewed()
        there = plan.there
        ours = there is not None and there.run == plan.processes.run
        if ours or plan.is_whole:
            break
        if not alone:
            continue  # who was at it has failed: let us, or hear why
        if there is None:
            parts.forget(plan.output)
            make_store(plan.output, plan.layout, plan.about())
        else:
            if len(there.members) < len(plan.layout.realizations):
                parts.forget(plan.output)
            go_on(plan.output, plan.layout, plan.about())
            with EnsembleStore(plan.output, plan.layout) as store:
                Course(plan, store).tidy()
        break
    claim.share()
    return plan


@contextlib.contextmanager
def _keeping(store: EnsembleStore, batch: int) -> Iterator[None]:
    """Whatever stops the run says what there is."""
    words = f"{batch} members at once" if batch > 1 else "a member"
    hint = "Start again with a smaller --batch and --overwrite."
    hint = hint if batch > 1 else "Use a larger device."
    try:
        with terminable(), enough_memory(words, hint):
            yield
    except BaseException as error:
        with contextlib.suppress(OutputError):
            if not store.is_complete:  # an export may have failed
                stopped = isinstance(error, KeyboardInterrupt)
                store.mark(status="interrupted" if stopped else "failed")
            if store.progress() not in getattr(error, "hint", ""):
                error.add_note(store.progress())
        raise


def _in_words(lost: list[Lost]) -> str:
    """Which members were lost, and when."""
    words = [
        f"{member} from {format_time(init)} after {format_duration(lead)}"
        for init, member, lead in lost[:_NAMED]
    ]
    if len(lost) > _NAMED:
        words.append(f"and {len(lost) - _NAMED} more")
    return ", ".join(words)
