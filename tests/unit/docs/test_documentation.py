"""What is broken in a page is found, with its line; what is right is not."""

import subprocess
from pathlib import Path

import pytest

from scripts.documentation import blocks, commands, kubectl, named, shell
from scripts.documentation.checks import Problem, problems
from scripts.documentation.pages import REPOSITORY, Block, read_page, read_pages

pytestmark = pytest.mark.unit


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return an empty repository."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n[project.optional-dependencies]\ncli = []\n")
    (tmp_path / "Makefile").write_text("check: ## look\n\ttrue\n")
    (tmp_path / "charts/transfermodel").mkdir(parents=True)
    (tmp_path / "charts/transfermodel/values.yaml").write_text("output: {uri: ''}\n")
    return tmp_path


def found_in(repository: Path, text: str) -> list[str]:
    """Return what is wrong with a page of this text, as line: message."""
    (repository / "page.md").write_text(text)
    return [f"{each.line}: {each.message}" for each in problems(read_pages(repository), repository)]


def messages(command: str, *, complete: bool = True) -> list[str]:
    """Return what is wrong with a shell line, in this repository."""
    return list(commands.wrong(command, REPOSITORY, complete=complete))


def test_the_documentation_of_this_repository_is_right() -> None:
    assert [str(problem) for problem in problems(read_pages())] == []


def test_links_to_files_and_headings(repository: Path) -> None:
    (repository / "other.md").write_text(
        "# One\n\n## Two `words`, here!\n\n## Two `words`, here!\n\n<a id='mark'></a>\n"
    )
    right = ["other.md", "other.md#one", "other.md#two-words-here", "other.md#two-words-here-1", "other.md#mark"]
    right += ["#page", "https://example.com/nowhere#x", "pyproject.toml"]
    links = "\n".join(f"[x]({target})" for target in right)
    assert found_in(repository, f"# Page\n\n{links}\n") == []


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("missing.md", "the link missing.md leads nowhere: there is no missing.md"),
        ("other.md#two", "the link other.md#two leads nowhere: other.md has no heading of the anchor #two"),
        ("#two", "the link #two leads nowhere: page.md has no heading of the anchor #two"),
        ("../../etc/passwd", "the link ../../etc/passwd leads out of the repository"),
        ("pyproject.toml#x", "the link pyproject.toml#x has an anchor, and pyproject.toml is no Markdown page"),
    ],
)
def test_broken_links(repository: Path, target: str, message: str) -> None:
    (repository / "other.md").write_text("# One\n")
    assert found_in(repository, f"# Page\n\ntext\n[x]({target})\n") == [f"4: {message}"]
    assert found_in(repository, f"# Page\n\n![x]({target})\n") == [f"3: {message}"]


def test_a_link_with_a_reference_and_one_in_a_table(repository: Path) -> None:
    text = "# Page\n\n| a |\n|---|\n| [x](gone.md) |\n\n[y][z]\n\n[z]: lost.md\n"
    assert [line.partition(":")[0] for line in found_in(repository, text)] == ["5", "7"]


def test_what_is_in_code_is_no_link(repository: Path) -> None:
    assert found_in(repository, "# Page\n\n`[x](gone.md)`\n\n```text\n[x](gone.md)\n```\n") == []


def test_named_files() -> None:
    assert (
        list(named.missing("see scripts/check and tests/{unit,api}, or charts/transfermodel/*.yaml.", REPOSITORY)) == []
    )
    assert list(named.missing("https://example.com/docs/x ~/docs/y s3://docs/z", REPOSITORY)) == []
    assert list(named.missing("run scripts/gone and tests/{unit,lost}/x", REPOSITORY)) == [
        "there is no scripts/gone in the repository",
        "there is no tests/unit/x in the repository",
        "there is no tests/lost/x in the repository",
    ]


def test_extras() -> None:
    assert list(named.missing('pip install "transfermodel[cli]"', REPOSITORY)) == []
    assert [text.partition(";")[0] for text in named.missing("transfermodel[cloud]", REPOSITORY)] == [
        "there is no extra cloud"
    ]


def test_a_page_that_only_code_names(repository: Path) -> None:
    (repository / "program.py").write_text("# https://example.com/docs/else.md\n# see docs/gone.md\n")
    assert problems(read_pages(repository), repository) == [
        Problem("program.py", 2, "there is no docs/gone.md in the repository")
    ]


def test_make() -> None:
    assert messages("CLUSTER=existing make demo-cluster TORCH_INDEX=cpu") == []
    assert messages("make no-such-target")[0].startswith("the Makefile has no target no-such-target; it has ")


@pytest.mark.parametrize(
    "command",
    [
        "transfermodel --help",
        "transfermodel validate -f digits.yaml",
        "transfermodel run -f digits.yaml --serve --port 8080",
        "transfermodel predict digits 'drawings/*.png' --out results.csv",
        "kubectl transfermodel status digits -n demo",
        "transfermodel doctor --json | head -3 >out.json 2>&1 && echo yes",
        "transfermodel describe digits 2>errors.txt",
        "transfermodel …",
    ],
)
def test_right_commands(command: str) -> None:
    assert messages(command) == []


@pytest.mark.parametrize(
    ("command", "begins"),
    [
        ("transfermodel trian", "transfermodel has no command trian; it has init"),
        ("transfermodel --quiet run", "transfermodel has no option --quiet"),
        ("transfermodel run -f a.yaml --serv", "transfermodel run has no option --serv; it has "),
        ("transfermodel run -f a.yaml --port", "transfermodel run --port needs a value"),
        ("transfermodel describe one two", "transfermodel describe takes 1 arguments, not 2: one two"),
        ("transfermodel predict", "transfermodel predict needs NAME"),
        ("transfermodel run --serve", "transfermodel run needs -f"),
        ("transfermodel validate -f a.yaml --for nowhere", "transfermodel validate --for takes "),
        ("cd x; kubectl transfermodel statsu digits", "transfermodel has no command statsu"),
        ("echo $(transfermodel statsu)", "transfermodel has no command statsu"),
        ("echo 'unclosed", "the shell cannot read this (No closing quotation)"),
        ("python -m transfermodel_nowhere", "there is no Python module transfermodel_nowhere"),
        ("kubectl gett pods", "kubectl has no command gett"),
        ("kubectl get transfermodules", "kubectl get: nothing is called transfermodules"),
        ("kubectl explain tlm.spec.trainin", "kubectl explain tlm.spec.trainin: there is no such field"),
        (
            "helm install x charts/transfermodel --set output.url=s3://b,images.operator=x",
            "charts/transfermodel/values.yaml has no output.url",
        ),
        (
            "helm upgrade x charts/transfermodel --set output.uri.x=1",
            "charts/transfermodel/values.yaml has no output.uri.x",
        ),
    ],
)
def test_wrong_commands(command: str, begins: str) -> None:
    found = messages(command)
    assert len(found) == 1
    assert found[0].startswith(begins)


def test_a_command_in_a_sentence_may_be_cut_short(repository: Path) -> None:
    assert messages("transfermodel predict", complete=False) == []
    assert found_in(repository, "# Page\n\nUse `transfermodel predict` or\n`transfermodel statsu`.\n")[0].startswith(
        "4: "
    )


def test_right_calls_of_other_programs() -> None:
    for command in (
        "kubectl get tlm,isvc,pods -A -w",
        "kubectl describe transfermodel digits -n demo | sed -n '/Events/,$p'",
        "kubectl explain transfermodel.spec.training.fineTuning",
        'kubectl annotate tlm NAME transferlearning.dev/run-requested="$(date -Is)" --overwrite',
        "helm install x charts/transfermodel --set nodeSelector.zone=a --set images.pullSecrets[0].name=r",
    ):
        assert messages(command) == [], command


def test_kubectl_options_do_not_hide_its_words() -> None:
    assert list(kubectl.wrong(["-n", "demo", "--context=x", "get", "pods"])) == []
    assert list(kubectl.wrong(["-n", "demo", "obtain", "pods"])) == ["kubectl has no command obtain"]


def test_a_console_block_has_commands_continuations_and_output() -> None:
    text = "$ make help \\\n    check\nerror: make nothing\n$ cat > a.yaml <<EOF\nmake lost\nEOF\n$ make demo\n"
    assert [(number, command) for number, command, _ in shell.console_lines(text)] == [
        (0, "make help  check"),
        (3, "cat > a.yaml <<EOF"),
        (6, "make demo"),
    ]


def wrong(language: str, text: str) -> list[tuple[int, str]]:
    """Return what is wrong with a block whose fence is on line 10."""
    return list(blocks.wrong(Block(10, language, text), REPOSITORY))


def test_lines_of_a_block_are_lines_of_the_page(repository: Path) -> None:
    assert [
        line.partition(":")[0] for line in found_in(repository, "# Page\n\n```console\n$ ls\n$ make gone\n```\n")
    ] == ["5"]


VALID = """\
apiVersion: transferlearning.dev/v1alpha1
kind: TransferModel
metadata: {name: digits}
spec:
  task: ImageClassification
  backbone: {name: torchvision/resnet18, weights: {name: DEFAULT}}
  data: {train: {uri: ./digits/train}}
"""


def test_transfermodels_are_judged_by_the_rules_of_the_schema() -> None:
    assert wrong("yaml", VALID) == []
    assert wrong("yaml", "kind: Secret\napiVersion: v1\n---\n" + VALID) == []
    found = wrong("yaml", f"kind: Secret\n---\n{VALID}  servin: {{}}\n")
    assert [(line, message.partition(":")[0]) for line, message in found] == [(20, "spec.servin")]
    no_weights = VALID.replace(", weights: {name: DEFAULT}", "")
    assert "weights is required with name" in wrong("yaml", no_weights)[0][1]


def test_a_transfermodel_in_a_here_document() -> None:
    broken = VALID.replace("ImageClassification", "Guessing")
    assert wrong("console", f"$ kubectl apply -f - <<EOF\n{VALID}EOF\n") == []
    assert [line for line, _ in wrong("console", f"$ kubectl apply -f - <<EOF\n{broken}EOF\n")] == [16]


def test_languages() -> None:
    assert wrong("json", '{"a": 1}') == []
    assert wrong("json", "{a: 1}")[0][1].startswith("this is not JSON")
    assert wrong("yaml", "a: [")[0][1].startswith("this is not YAML")
    assert wrong("bash", "ls")[0][1].startswith("a block of the language 'bash'")
    assert wrong("console", "ls")[0][1].startswith("a console block without a command")


def test_python() -> None:
    assert wrong("python", "import transfermodel\nresult = transfermodel.run('digits.yaml')\n") == []
    assert wrong("python", "import transfermodel\ntransfermodel.rum('digits.yaml')\n") == [
        (12, "the package transfermodel has no rum")
    ]
    assert wrong("python", "def f(:\n")[0][1].startswith("this is not Python")
    assert "unexpected keyword argument 'speed'" in wrong("python", "transfermodel.run('a', speed=3)\n")[0][1]


def test_anchors_of_html(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text('# A\n\n<a name="b"></a>\n\ntext <a id="c"></a>\n')
    assert read_page(page, tmp_path).anchors == {"a", "b", "c"}


def test_diagrams() -> None:
    assert wrong("mermaid", 'flowchart LR\n  a["one; two"] --> b\n') == []
    assert wrong("mermaid", "flowhcart LR\n") == [(10, "mermaid has no diagram 'flowhcart'")]
    assert wrong("mermaid", "sequenceDiagram\n  A->>B: read; check\n") == [
        (12, "a ; ends a message of a sequence diagram: write a comma")
    ]
    assert wrong("mermaid", 'flowchart LR\n  a["one] --> b\n') == [(12, "a quotation is not closed")]
