"""`python -m scripts.documentation`: print what is wrong in the project's Markdown; exit 1 when anything is."""

import sys

from scripts.documentation.checks import problems
from scripts.documentation.pages import read_pages

if __name__ == "__main__":
    pages = read_pages()
    found = problems(pages)
    for problem in found:
        print(problem)
    if found:
        print(f"documentation: {len(found)} wrong in {len(pages)} pages", file=sys.stderr)
    sys.exit(1 if found else 0)
