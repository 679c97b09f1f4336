"""The folder of one machine: models, their versions, what runs and what serves; all of it plain files.

    .transfermodel/
      .gitignore
      artifacts/<namespace>/<name>/…      what the trainer publishes, laid out as in a bucket
      models/<namespace>/<name>/
        versions/v1.json, …               one record per version, and a link v1 to its artifact
        run.json, run.lock, run.log       the last run
        server.json, server.lock, server.log
        checkpoints/, scratch/            of a run that is not over

Nothing else is kept anywhere: whoever deletes the folder starts anew.
"""

from transfermodel.workspace.folder import Workspace
from transfermodel.workspace.models import LastRun, LocalModel, LocalVersion, RunningServer

__all__ = ["LastRun", "LocalModel", "LocalVersion", "RunningServer", "Workspace"]
