"""A search as somebody types it: planned, run, ended and gone on with; and the trainer ended between two trials."""

import json
import signal
from pathlib import Path

from tests.laptop.test_resume import FINE_TUNING, Trainer, done_before
from tests.support import datasets
from tests.support.command import command
from tests.support.library import write_data
from tests.support.waiting import wait_for

DOCUMENTS = """\
apiVersion: transferlearning.dev/v1alpha1
kind: TransferModel
metadata: {name: base}
spec:
  task: ImageClassification
  backbone: {name: torchvision/squeezenet1_1, weights: {scratch: true}, input: {size: 32}}
  data: {train: {uri: train}, test: {uri: test}}
  training: {strategy: FineTuning, fineTuning: {unfreeze: All, epochs: 1}}
---
apiVersion: transferlearning.dev/v1alpha1
kind: TransferModel
metadata: {name: colours}
spec:
  task: ImageClassification
  backbone: {fromTransferModel: base}
  data: {train: {uri: train}, test: {uri: test}}
  training: {strategy: Auto, fineTuning: {epochs: 1}, search: {trials: 5, maxParallel: 2}}
"""


def test_a_file_with_a_search_is_planned_run_and_told_of(tmp_path: Path) -> None:
    write_data(tmp_path)
    (tmp_path / "colours.yaml").write_text(DOCUMENTS)
    base = command("run", "-f", "colours.yaml", "--name", "base", folder=tmp_path)
    assert base.code == 0, base.err
    ran = command("run", "-f", "colours.yaml", folder=tmp_path)
    assert ran.code == 0, ran.err
    assert "Traceback" not in ran.err
    trials = [line for line in ran.err.splitlines() if line.startswith("Trial ")]
    assert len(trials) == 5
    assert {line.split("/")[0] for line in trials} == {f"Trial {number}" for number in range(1, 6)}
    assert "trying settings" in ran.err
    assert "trial 5/5" in ran.err
    (metrics,) = [path for path in (tmp_path / ".transfermodel").rglob("metrics.json") if "colours" in path.parts]
    artifact = metrics.parent
    search = json.loads((artifact / "metrics.json").read_text())["search"]
    assert len(search["trials"]) == 5
    tuned = [trial for trial in search["trials"] if trial["method"] == "fineTuning"]
    assert tuned
    assert all(trial["parameters"]["epochs"] == 1 for trial in tuned), "what the file says stays"
    assert "- search: 5 trials (" in (artifact / "MODEL_CARD.md").read_text()

    (tmp_path / "more.yaml").write_text(DOCUMENTS.replace("trials: 5", "trials: 50"))
    planned = command("plan", "-f", "more.yaml", "--json", folder=tmp_path)
    assert planned.code == 0, planned.err
    model = planned.json["models"][1]
    assert model["estimate"]["seconds"]["Search"] > 0, model["noEstimate"]

    parallel = DOCUMENTS.replace("maxParallel: 2", "maxParallel: 1")
    (tmp_path / "colours.yaml").write_text(parallel)
    again = command("run", "-f", "colours.yaml", folder=tmp_path)
    assert again.code == 0, again.err
    assert "nothing was trained" in again.out, "how many run at a time is no other run"


def test_a_search_that_was_ended_goes_on_and_publishes_the_same(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name, content in datasets.folder(per_class=12).items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)
    small = {"name": "torchvision/squeezenet1_1", "weights": {"scratch": True}, "input": {"size": 32}}
    base = Trainer(tmp_path / "base", data, FINE_TUNING | {"backbone": small})
    assert base.run()[0] == 0
    made = base.result()
    changes = {
        "backbone": {"base": {"transferModel": "base", "version": "v1", "uri": made.uri, "digest": made.digest}},
        "training": {"strategy": "FineTuning", "search": {"trials": 7}, "checkpointIntervalSeconds": 0},
    }
    whole = Trainer(tmp_path / "whole", data, changes)
    code, lines = whole.run()
    assert code == 0, lines[-1]

    trainer = Trainer(tmp_path / "ended", data, changes)
    code, _ = trainer.run(signal.SIGKILL, lambda line: line.startswith("Trial 3/7"))
    assert code == -signal.SIGKILL
    wait_for(lambda: not processes_of(tmp_path), timeout_seconds=30, what="its processes end with it")
    code, lines = trainer.run(signal.SIGTERM, lambda line: line.startswith("Trial 5/7"))
    assert code == 143, lines[-1]
    assert 1 <= done_before(lines) <= 5
    code, lines = trainer.run()
    assert code == 0, lines[-1]
    assert done_before(lines) >= 5, "what was over when it was told to end is kept"
    assert len([line for line in lines if line.startswith("Trial ")]) == 7 - done_before(lines)
    assert trainer.result().digest == whole.result().digest
    assert trainer.kept() == []


def processes_of(folder: Path) -> list[str]:
    """Return the processes of searches below a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "transfermodel_trainer.search.worker" in words and any(word.startswith(str(folder)) for word in words):
            found.append(process.name)
    return found
