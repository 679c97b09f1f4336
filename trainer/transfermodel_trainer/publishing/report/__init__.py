"""report.html: one page that needs nothing else, for people to judge a model by."""

from transfermodel_trainer.publishing.report.page import write_report

__all__ = ["write_report"]
