"""Says what the cluster of $KUBECONFIG lacks and how to install it. Reads only: nothing is changed."""

import sys

from devcluster.preflight.checks import Finding, judge
from devcluster.preflight.facts import observe


def main() -> int:
    """Print every finding.

    Returns:
        0 when nothing is missing, else 1.

    Raises:
        PrerequisiteError: the cluster could not be asked.
    """
    findings = judge(observe())
    for line in lines(findings):
        print(line, file=sys.stderr)
    return 0 if all(finding.good for finding in findings) else 1


def lines(findings: list[Finding]) -> list[str]:
    """The report, a line for each finding and one for each remedy."""
    report = []
    for finding in findings:
        report.append(f"{'✓' if finding.good else '✗'} {finding.subject}: {finding.text}")
        if finding.remedy:
            report.append(f"    → {finding.remedy}")
    lacking = sum(not finding.good for finding in findings)
    report.append(
        f"{lacking} of {len(findings)} checks failed; nothing was changed" if lacking else "the cluster is ready"
    )
    return report
