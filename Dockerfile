# Three images from one file: --target operator | trainer | predictor. A fourth, predictor-gpu, is for predictors that get
# a GPU: gigabytes of NVIDIA's libraries, so it is built only when it is asked for.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS python
# A no-op where the base has them already. catatonit is process 1 of every container: the kernel drops a signal to
# process 1 that does not handle it yet, and Python takes 50 ms and more to come that far. A pod that is deleted while
# it starts would not notice, and stay until it is killed, 300 s later in a pod of Knative.
RUN if ! { python3 -c 'import ensurepip' && command -v catatonit; } >/dev/null 2>&1; then \
      apt-get update && apt-get install -y --no-install-recommends python3 python3-venv ca-certificates catatonit \
      && rm -rf /var/lib/apt/lists/*; fi

FROM python AS runtime
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app

# Packages are a layer below the code, so that a change of code is a small layer. Users are numbers, not names:
# Kubernetes checks runAsNonRoot by number; libraries that ask for a name find it in the environment. The build
# arguments are for networks with an own certificate authority or package index; uv keeps a cache only where one is
# mounted.
FROM runtime AS operator
ARG PIP_CERT PIP_INDEX_URL PIP_EXTRA_INDEX_URL SSL_CERT_FILE UV_DEFAULT_INDEX UV_INDEX UV_HTTP_TIMEOUT UV_NO_CACHE=true
COPY requirements/install requirements/bootstrap.txt requirements/operator.txt /opt/requirements/
RUN sh /opt/requirements/install operator
COPY operator/transfermodel_operator /app/transfermodel_operator
RUN python -m compileall -q /app
ENV USER=nonroot HOME=/tmp
USER 65532:65532
ENTRYPOINT ["catatonit", "--", "python", "-m", "transfermodel_operator"]

FROM runtime AS trainer
ARG PIP_CERT PIP_INDEX_URL PIP_EXTRA_INDEX_URL SSL_CERT_FILE UV_DEFAULT_INDEX UV_INDEX UV_HTTP_TIMEOUT UV_NO_CACHE=true
COPY requirements/install requirements/bootstrap.txt requirements/trainer.txt /opt/requirements/
RUN sh /opt/requirements/install trainer
COPY operator/transfermodel_operator/__init__.py /app/transfermodel_operator/__init__.py
COPY operator/transfermodel_operator/api /app/transfermodel_operator/api
COPY predictor/transfermodel_predictor /app/transfermodel_predictor
COPY trainer/transfermodel_trainer /app/transfermodel_trainer
RUN python -m compileall -q /app
ENV USER=nonroot HOME=/tmp
USER 65532:65532
ENTRYPOINT ["catatonit", "--", "python", "-m", "transfermodel_trainer"]

FROM runtime AS predictor
ARG PIP_CERT PIP_INDEX_URL PIP_EXTRA_INDEX_URL SSL_CERT_FILE UV_DEFAULT_INDEX UV_INDEX UV_HTTP_TIMEOUT UV_NO_CACHE=true
COPY requirements/install requirements/prune requirements/bootstrap.txt requirements/predictor.txt \
     requirements/predictor-without.txt /opt/requirements/
RUN UV_EXCLUDE=/opt/requirements/predictor-without.txt sh /opt/requirements/install predictor \
    && sh /opt/requirements/prune
COPY predictor/transfermodel_predictor /app/transfermodel_predictor
RUN python -m compileall -q /app
ENV USER=nonroot HOME=/tmp TRANSFERMODEL_LOG_FORMAT=json
USER 65532:65532
ENTRYPOINT ["catatonit", "--", "python", "-m", "transfermodel_predictor"]

FROM runtime AS predictor-gpu
ARG PIP_CERT PIP_INDEX_URL PIP_EXTRA_INDEX_URL SSL_CERT_FILE UV_DEFAULT_INDEX UV_INDEX UV_HTTP_TIMEOUT UV_NO_CACHE=true
COPY requirements/install requirements/prune requirements/bootstrap.txt requirements/predictor-gpu.txt \
     requirements/predictor-gpu-without.txt /opt/requirements/
RUN UV_EXCLUDE=/opt/requirements/predictor-gpu-without.txt sh /opt/requirements/install predictor-gpu \
    && sh /opt/requirements/prune
COPY predictor/transfermodel_predictor /app/transfermodel_predictor
RUN python -m compileall -q /app
# The driver's part, which the node brings: CUDA alone, no graphics.
ENV USER=nonroot HOME=/tmp TRANSFERMODEL_LOG_FORMAT=json NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 65532:65532
ENTRYPOINT ["catatonit", "--", "python", "-m", "transfermodel_predictor"]
