"""Sentences on one machine, without a cluster: fetch an encoder, train, serve, ask. `make demo-text`, or this module.

Safe to repeat: what did not change is not trained again. Nothing goes on when it has ended.
"""

import shutil
import sys
import time
from pathlib import Path
from shlex import quote

from rich.console import Console
from rich.table import Table
from rich.text import Text
from transfermodel.local import serve
from transfermodel.predictions.client import curl, predict
from transfermodel.predictions.types import Endpoint
from transfermodel_cli.console import shown

from examples.common import comparison
from examples.common.laptop import check_served, in_background, main, program, train_all, write
from examples.common.showing import BUILD, command, heading
from examples.text import dataset, encoder
from examples.text.baselines import measure
from examples.text.dataset import HERE, Sentences

FOLDER = BUILD / "demo-text"
"""What the demo leaves behind."""
NAMED = "weights: {name: DEFAULT} "
FETCHED = "weights: {uri: encoder}  "
SHOWN_PER_CLASS = 2
LEAST_ACCURACY = 0.75
LEAST_LEAD = 0.2
"""Of transfer over the best of the others."""
NEW_SENTENCES = (
    "hey, the money was taken from my account two times",
    "the van drove past my house without stopping",
    "since yesterday it only shows a white page",
    "you guys rock",
)


def run(console: Console) -> None:
    """Do one part after the other."""
    begun = time.monotonic()
    heading(console, "Data: requests to a shop's support, written for this demo")
    train, test = (dataset.read(name) for name in dataset.FILES)
    write({name: (HERE / name).read_bytes() for name in dataset.FILES}, FOLDER)
    for label in train.classes:
        example = train.texts[dataset.choose(train, 1)[train.classes.index(label)]]
        console.print(f"  {label:<10} [dim]{example}[/]")
    console.print(f"  {len(train.texts)} sentences to learn from, {len(test.texts)} to judge by")

    heading(console, "The encoder: all-MiniLM-L6-v2, pretrained on a billion pairs of sentences")
    with console.status("downloading 83 MB, once"):
        folder = encoder.fetch()
    console.print(f"  {shown(folder)}", soft_wrap=True)

    heading(console, "A TransferModel")
    file = write_spec(FOLDER / "text.yaml", folder)
    command(console, f"{program()} run -f {shown(file)}")
    measuring = in_background(lambda: measure(train, test, folder))
    trained = train_all(file)["support"]
    record = trained.version.result
    row = comparison.row_of_run("transfer", "the encoder as it is, new head", record.to_wire())
    measured = measuring.result()
    others = [
        comparison.Row("untrained encoder", "random weights, the same kind of head", measured.untrained_encoder),
        comparison.Row("words", "TF-IDF and ridge regression, scikit-learn", measured.words),
    ]
    console.print()
    comparison.show([row, *others], f"{len(test.texts)} test sentences", console)
    comparison.judge(row, others, least_accuracy=LEAST_ACCURACY, least_lead=LEAST_LEAD)

    with serve(trained.version, trained.model) as server:
        endpoint = server.endpoint()
        heading(console, f"Predictions: POST {endpoint.predict_url}")
        ask(endpoint, test, float(record.metrics["accuracy"]), console)

    heading(console, "Now you")
    shutil.copyfile(trained.version.folder / "report.html", FOLDER / "report.html")
    console.print(f"  {shown(FOLDER)}/ holds the sentences, text.yaml, and the report:", soft_wrap=True)
    command(console, shown(FOLDER / "report.html"))
    console.print("  Serve it again (nothing is trained twice; Ctrl-C stops it), and ask it from another terminal:")
    command(console, f"{program()} run -f {shown(file)} --serve --port {endpoint.url.rpartition(':')[2]}")
    command(console, f"{program()} predict support --text {quote(NEW_SENTENCES[0])}")
    command(console, curl(endpoint, NEW_SENTENCES[1]))
    console.print(f"\n[bold green]✓[/] all of it in {time.monotonic() - begun:.0f} s; no server is left behind")


def write_spec(path: Path, folder: Path) -> Path:
    """Write the TransferModel with the encoder beside it; return its path."""
    link = path.parent / "encoder"
    link.unlink(missing_ok=True)
    link.symlink_to(folder)
    path.write_text((HERE / "text.yaml").read_text(encoding="utf-8").replace(NAMED, FETCHED), encoding="utf-8")
    return path


def ask(endpoint: Endpoint, test: Sentences, reported: float, console: Console) -> None:
    """Show answers to new sentences and to some of the test set, then hold all of that against the reported accuracy.

    Raises:
        DemoError: what is served is not what was measured.
        TransferModelError: it does not answer.
    """
    chosen = dataset.choose(test, SHOWN_PER_CLASS)
    sentences = [*NEW_SENTENCES, *(test.texts[position] for position in chosen)]
    truths = [*(None for _ in NEW_SENTENCES), *(test.labels[position] for position in chosen)]
    answers = predict(endpoint, [sentence.encode() for sentence in sentences])
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for sentence, answer, truth in zip(sentences, answers, truths, strict=True):
        wrong = truth not in (None, answer.label)
        said = Text(f"{answer.label}  {answer.probability:.0%}", style="red" if wrong else "green")
        table.add_row(Text(f"  {sentence}"), said, f"is {truth}" if wrong else "new" if truth is None else "")
    console.print(table)

    begun = time.monotonic()
    everything = predict(endpoint, [text.encode() for text in test.texts])
    seconds = time.monotonic() - begun
    right = sum(answer.label == truth for answer, truth in zip(everything, test.labels, strict=True))
    accuracy = right / len(test.labels)
    console.print(
        f"  All {len(test.labels)} test sentences over HTTP in {seconds:.1f} s: {accuracy:.3f} right, by version "
        f"{everything[0].model_version}; {reported:.3f} was reported."
    )
    check_served(accuracy, reported)


if __name__ == "__main__":
    sys.exit(main(run))
