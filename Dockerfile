# Three images from one file: --target operator | trainer | predictor.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS python
# A no-op where the base has them already.
RUN if ! python3 -c 'import ensurepip' 2>/dev/null; then \
      apt-get update && apt-get install -y --no-install-recommends python3 python3-venv ca-certificates \
      && rm -rf /var/lib/apt/lists/*; fi

# One virtual environment per image, built apart, so that pip, uv and their caches stay behind. The build arguments
# are for networks with an own certificate authority or package index; uv keeps a cache only where one is mounted.
FROM python AS builder
ARG PIP_CERT PIP_INDEX_URL PIP_EXTRA_INDEX_URL
RUN python3 -m venv /opt/build
COPY requirements/bootstrap.txt /tmp/requirements/
RUN /opt/build/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements/bootstrap.txt \
    && python3 -m venv --without-pip /opt/venv
# Bytecode is compiled here: containers have read-only root file systems and would compile at every start.
ENV VIRTUAL_ENV=/opt/venv UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1

FROM builder AS operator-packages
ARG SSL_CERT_FILE UV_DEFAULT_INDEX UV_INDEX UV_HTTP_TIMEOUT UV_NO_CACHE=true
COPY requirements/operator.txt /tmp/requirements/
RUN /opt/build/bin/uv pip install --require-hashes -r /tmp/requirements/operator.txt

FROM builder AS trainer-packages
ARG SSL_CERT_FILE UV_DEFAULT_INDEX UV_INDEX UV_HTTP_TIMEOUT UV_NO_CACHE=true
COPY requirements/trainer.txt /tmp/requirements/
RUN /opt/build/bin/uv pip install --require-hashes -r /tmp/requirements/trainer.txt

FROM builder AS predictor-packages
ARG SSL_CERT_FILE UV_DEFAULT_INDEX UV_INDEX UV_HTTP_TIMEOUT UV_NO_CACHE=true
COPY requirements/predictor.txt /tmp/requirements/
RUN /opt/build/bin/uv pip install --require-hashes -r /tmp/requirements/predictor.txt

FROM python AS runtime
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app

# Users are numbers, not names: Kubernetes checks runAsNonRoot by number.
FROM runtime AS operator
COPY --from=operator-packages /opt/venv /opt/venv
COPY operator/transfermodel_operator /app/transfermodel_operator
RUN python -m compileall -q /app
USER 65532:65532
ENTRYPOINT ["python", "-m", "transfermodel_operator"]

FROM runtime AS trainer
COPY --from=trainer-packages /opt/venv /opt/venv
COPY operator/transfermodel_operator/__init__.py /app/transfermodel_operator/__init__.py
COPY operator/transfermodel_operator/api /app/transfermodel_operator/api
COPY predictor/transfermodel_predictor /app/transfermodel_predictor
COPY trainer/transfermodel_trainer /app/transfermodel_trainer
RUN python -m compileall -q /app
USER 65532:65532
ENTRYPOINT ["python", "-m", "transfermodel_trainer"]

FROM runtime AS predictor
COPY --from=predictor-packages /opt/venv /opt/venv
COPY predictor/transfermodel_predictor /app/transfermodel_predictor
RUN python -m compileall -q /app
USER 65532:65532
ENTRYPOINT ["python", "-m", "transfermodel_predictor"]
