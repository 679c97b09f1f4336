"""The three strategies with a search: what there is to choose from, and the model that is chosen."""

from collections.abc import Callable, Mapping
from typing import Final

from torch import Tensor
from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import FineTuning, Strategy

from transfermodel_trainer.backbones.network import weights_of
from transfermodel_trainer.backbones.stages import unfreeze_last
from transfermodel_trainer.data.nouns import nouns
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.errors import RunError
from transfermodel_trainer.evaluation.choice import Choice
from transfermodel_trainer.evaluation.summary import Learned
from transfermodel_trainer.features.cache import FeatureCache
from transfermodel_trainer.search.preparing import asked, find, told
from transfermodel_trainer.search.space import FINE_TUNING, Method, Space, head_methods, tuning_method, tuning_settings
from transfermodel_trainer.search.study import Found
from transfermodel_trainer.search.trials import History, Trial
from transfermodel_trainer.search.trying import Made, head_of, made_of, of_tensors
from transfermodel_trainer.strategies.again import learn_again
from transfermodel_trainer.strategies.auto import explained, judge_whole, too_long
from transfermodel_trainer.strategies.context import Context
from transfermodel_trainer.strategies.extraction import judge_probe, solve_head
from transfermodel_trainer.strategies.tuning import judge_tuned
from transfermodel_trainer.strategies.usual import Plan, plan_of
from transfermodel_trainer.training.history import Epoch, Tuned
from transfermodel_trainer.training.inference import compute_features, compute_logits
from transfermodel_trainer.training.probe import Probe

LEFT_OUT: Final = "the training samples, each left out in turn"
VALIDATION: Final = "the validation set"


def search_heads(context: Context) -> Learned:
    """Try heads on the frozen trunk's features, and judge the best."""
    validation, cache = context.split.validation, context.cache()
    if validation is None:
        check_can_be_left_out(context)
    probe = solve_head(context, cache)
    features = None if validation is None else _features(context, validation, cache)
    space, judged_by = Space(_heads(probe)), LEFT_OUT if validation is None else VALIDATION
    found = find(context, space, judged_by, probe, features, _first(context, probe, features, space))
    best = _set(context, probe, found)
    return told(judge_probe(context, best, cache, context.held_out()), found, asked(context))


def search_tuning(context: Context) -> Learned:
    """Try settings of fine-tuning, and judge the best."""
    check_validation(context)
    # LP-FT, as without a search; all trials begin with the solved head.
    probe = solve_head(context, context.cache()) if context.backbone.pretrained else None
    plan = Plan(context.request.training.fine_tuning or FineTuning())
    found = find(context, Space((_tuning(context, plan),)), VALIDATION, probe, None, None)
    return told(_judged_tuned(context, found), found, asked(context))


def search_both(context: Context) -> Learned:
    """Try heads and, where time allows, settings of fine-tuning, and judge the best of all."""
    validation, cache = check_validation(context), context.cache()
    probe = solve_head(context, cache)
    plan = plan_of(context)
    methods, why = _heads(probe), too_long(context, plan.settings)
    if why is None:
        methods = (methods[0], _tuning(context, plan), *methods[1:])
    space, features = Space(methods), _features(context, validation, cache)
    found = find(context, space, VALIDATION, probe, features, _first(context, probe, features, space))
    choice = chosen_by(found.history, why)
    if found.history.best.method == FINE_TUNING:
        learned = _judged_tuned(context, found, again=plan.again, mirrored=probe.flipped)
    else:
        best = _set(context, probe, found)
        judged = context.evaluated("validation", validation, best.fitted.head(features))
        learned = judge_whole(context, best, validation, features, judged, cache)
    return told(explained(learned, choice, context), found, asked(context))


SEARCHES: Final[Mapping[str, Callable[[Context], Learned]]] = {
    "FeatureExtraction": search_heads,
    "FineTuning": search_tuning,
    "Auto": search_both,
}


def check_can_be_left_out(context: Context) -> None:
    """Raise DataInvalid where no sample can be left out, since each is the only one of its class."""
    train = context.split.train
    contents = {(label, digest) for label, digest in zip(train.classes.tolist(), train.digests, strict=True)}
    if len(contents) == len({label for label, _ in contents}):
        raise no_judge(context, "nothing")


def check_validation(context: Context) -> Samples:
    """Return the validation set. Raises DataInvalid where there is none."""
    validation = context.split.validation
    if validation is None:
        raise no_judge(context, "no validation set")
    return validation


def no_judge(context: Context, what: str) -> RunError:
    """Return what to say where trials cannot be judged; what: there is to judge them by."""
    words = nouns(context.request.task)
    return RunError(
        Reason.DATA_INVALID,
        f"spec.training.search has {what} to judge its trials by: every class has a single {words.one}. Add "
        f"{words.many}, set spec.data.validation, or leave search out.",
    )


def chosen_by(history: History, why: str | None) -> Choice:
    """Return what Auto chose, of the best of either kind.

    Args:
        history: of the search.
        why: fine-tuning was left out; None: it was not.
    """
    probe = _best([trial for trial in history.trials if trial.method != FINE_TUNING])
    tuned = _best([trial for trial in history.trials if trial.method == FINE_TUNING])
    chosen: Strategy = "FineTuning" if history.best.method == FINE_TUNING else "FeatureExtraction"
    if why is None and tuned is None:
        why = "no trial of fine-tuning made a model"
    elif why is None:
        verdict = "clearly better" if chosen == "FineTuning" else "not clearly better"
        why = f"of {len(history.trials)} trials those of fine-tuning are {verdict} on the validation samples"
    return Choice(chosen, why, probe, tuned)


def _best(trials: list[Trial]) -> float | None:
    known = [trial for trial in trials if trial.loss is not None]
    return min(known, key=lambda trial: trial.loss or 0.0).accuracy if known else None


def _heads(probe: Probe) -> tuple[Method, ...]:
    return head_methods(mirrors=probe.computed is not None, mirrored=probe.flipped)


def _tuning(context: Context, plan: Plan) -> Method:
    """Return what fine-tuning varies. Raises InvalidSpec for too many stages."""
    if plan.settings.unfreeze == "LastStages":
        unfreeze_last(context.network, plan.settings.stages or 1)
    return tuning_method(
        plan.settings,
        context.request.training.fixed or (),
        stages=len(context.network.stages),
        samples=len(context.split.train),
        pretrained=context.backbone.pretrained,
        augmented=context.backbone.preprocessing.modality != "Text",
        recipe=plan.recipe,
    )


def _first(context: Context, probe: Probe, features: Tensor | None, space: Space) -> Made:
    """Return the solved head as the first trial: that is what the usual settings lead to.

    features: (M, D), of the validation set, where there is one.
    """
    validation, settings = context.split.validation, space.methods[0].settings({})
    if validation is None or features is None:
        return made_of(probe.fitted, settings, probe.fitted.left_out_logits, context.split.train.classes)
    return made_of(probe.fitted, settings, probe.fitted.head(features), validation.classes)


def _features(context: Context, samples: Samples, cache: FeatureCache | None) -> Tensor:
    """Return features (N, D) of the trunk as it was loaded."""
    return compute_features(context.network, samples, context.feed, cache=cache, limits=context.limits)


def _set(context: Context, probe: Probe, found: Found) -> Probe:
    """Return the probe with the head that was found, on the network."""
    best = found.history.best
    views = probe.features if probe.computed is None else probe.computed
    chosen = views if best.parameters["views"] == "mirrored" else views[:1]
    fitted = head_of(best, found.tensors)
    fitted.head.put_on(context.network)
    return Probe(fitted, chosen, probe.classes)


def _judged_tuned(context: Context, found: Found, *, again: bool = False, mirrored: bool = False) -> Learned:
    """Make the network the one that was found, have it learn again if it is to, and judge it."""
    best, validation = found.history.best, context.split.validation
    settings, recipe = tuning_settings(best.parameters)
    plan, calibration = Plan(settings, recipe, again), best.found["calibration"]
    trunk = weights_of(context.network.trunk)
    context.network.load_state_dict(of_tensors(found.tensors))
    context.network.eval()
    tuned = Tuned(
        tuple(Epoch(**epoch) for epoch in best.found["history"]), best.found["kept_epoch"], best.found["ended_by"]
    )
    if again and validation is not None and tuned.ended_by is None:
        logits = compute_logits(context.network, validation, context.feed)
        judged = context.evaluated("validation", validation, logits)
        learned = learn_again(context, plan, trunk, tuned, calibration, judged, mirrored=mirrored)
    else:
        learned = judge_tuned(context, plan, tuned, calibration)
    learned.notes["recipe"] = (
        f"the last stage learns by {recipe.trunk_rate:g} of the rate, each one before by {recipe.stage_decay:g} of the "
        f"next; weight decay {recipe.weight_decay:g}, label smoothing {recipe.label_smoothing:g}, augmentation "
        f"{recipe.augmentation:g}"
    )
    return learned
