"""What a run is doing, in words."""

PHASES = {
    "Data": "reading the data",
    "Backbone": "loading the backbone",
    "Features": "computing features",
    "Training": "training",
    "Search": "trying settings",
    "Evaluation": "evaluating",
    "Publishing": "writing the artifact",
}


def counted(phase: str | None) -> str:
    """Return what a run's progress counts in a phase."""
    return "trial" if phase == "Search" else "epoch"
