# Three images from one file: --target operator | trainer | predictor.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS python
# A no-op where the base has them already.
RUN if ! python3 -c 'import ensurepip' 2>/dev/null; then \
      apt-get update && apt-get install -y --no-install-recommends python3 python3-venv ca-certificates \
      && rm -rf /var/lib/apt/lists/*; fi

# One virtual environment per image, built apart, so that pip and its caches stay behind.
FROM python AS builder
RUN python3 -m venv /opt/build
COPY requirements/bootstrap.txt /tmp/requirements/
RUN /opt/build/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements/bootstrap.txt \
    && python3 -m venv --without-pip /opt/venv
ENV VIRTUAL_ENV=/opt/venv UV_LINK_MODE=copy

FROM builder AS operator-packages
COPY requirements/operator.txt /tmp/requirements/
RUN /opt/build/bin/uv pip install --no-cache --require-hashes -r /tmp/requirements/operator.txt

FROM builder AS trainer-packages
COPY requirements/trainer.txt /tmp/requirements/
RUN /opt/build/bin/uv pip install --no-cache --require-hashes -r /tmp/requirements/trainer.txt

FROM builder AS predictor-packages
COPY requirements/predictor.txt /tmp/requirements/
RUN /opt/build/bin/uv pip install --no-cache --require-hashes --compile-bytecode -r /tmp/requirements/predictor.txt

# Numbers, not names: Kubernetes checks runAsNonRoot by number.
FROM python AS runtime
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 65532:65532

FROM runtime AS operator
COPY --from=operator-packages /opt/venv /opt/venv
COPY operator/transfermodel_operator /app/transfermodel_operator
ENTRYPOINT ["python", "-m", "transfermodel_operator"]

FROM runtime AS trainer
COPY --from=trainer-packages /opt/venv /opt/venv
COPY operator/transfermodel_operator/__init__.py /app/transfermodel_operator/__init__.py
COPY operator/transfermodel_operator/api /app/transfermodel_operator/api
COPY predictor/transfermodel_predictor /app/transfermodel_predictor
COPY trainer/transfermodel_trainer /app/transfermodel_trainer
ENTRYPOINT ["python", "-m", "transfermodel_trainer"]

FROM runtime AS predictor
COPY --from=predictor-packages /opt/venv /opt/venv
COPY predictor/transfermodel_predictor /app/transfermodel_predictor
ENTRYPOINT ["python", "-m", "transfermodel_predictor"]
