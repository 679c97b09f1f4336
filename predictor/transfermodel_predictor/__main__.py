"""`python -m transfermodel_predictor`: serve the artifact that the environment names.

The order is for a fast start: files come over the network, then the graph is loaded, in threads that import nothing,
while this thread imports what the next step needs. (Two threads importing at once can deadlock each other's modules.)
"""

import gc
import os

from transfermodel_predictor.shutdown import end_on_signals, leave


def main() -> int:
    """Run; return the exit status."""
    end_on_signals()
    # Nothing becomes garbage while importing; a tenth of that time goes into looking for it.
    gc.disable()
    # numpy does no linear algebra here, but would start a thread for each of the node's CPUs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from transfermodel_predictor.artifact.background import Background
    from transfermodel_predictor.artifact.download import download_served
    from transfermodel_predictor.artifact.errors import ArtifactError
    from transfermodel_predictor.configuration import ConfigurationInvalid, read_configuration
    from transfermodel_predictor.failures import report_failure
    from transfermodel_predictor.listening import listener

    try:
        configuration = read_configuration(os.environ)
        download = download_served(configuration.artifact_uri, configuration.precision, configuration.environment)
        # Whoever asks from now on whether it is ready is told as soon as it is.
        listening = listener(configuration.host, configuration.port)

        from transfermodel_predictor.loading import load_classifier
        from transfermodel_predictor.observation.logs import configure

        configure(configuration.log_format)

        loading = Background(lambda: load_classifier(configuration, download), "load")

        from transfermodel_predictor.server import Server

        gc.freeze()
        gc.enable()
        Server(configuration, listening).run(loading.result)
    except (ConfigurationInvalid, ArtifactError) as error:
        report_failure(str(error))
        return 1
    except Exception as error:
        report_failure(f"The predictor failed unexpectedly: {type(error).__name__}: {error}", error)
        return 1
    return 0


if __name__ == "__main__":
    leave(main())
