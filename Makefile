# The stable interface; `make help` lists it. Every target works from a clean clone.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
CLUSTER_PYTHON := .venv-devcluster/bin/python
CLUSTER ?= devcluster

.PHONY: help bootstrap bootstrap-local bootstrap-cluster demo demo-text demo-cluster cluster-up cluster-down cluster-info images deploy \
	test test-unit test-laptop test-api test-e2e test-devcluster check format generate bench bench-training bench-serving

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/\1|\2/' | column -t -s '|'

bootstrap:
	@scripts/bootstrap dev

bootstrap-local:
	@scripts/bootstrap local

bootstrap-cluster:
	@scripts/bootstrap devcluster

demo: bootstrap-local ## train, compare, serve and ask on this machine: no cluster, no root (TORCH_INDEX=cpu: without CUDA)
	@$(PYTHON) -m examples.digits.laptop

demo-text: bootstrap-local ## the same with sentences, from a pretrained text encoder of 90 MB
	@$(PYTHON) -m examples.text.laptop

demo-cluster: bootstrap cluster-up images deploy ## the same in a cluster, then scale to zero and wake
	@$(PYTHON) -m examples.digits.demo

cluster-up: bootstrap-cluster ## a one-node cluster with Knative, KServe and S3 (CLUSTER=existing: check $$KUBECONFIG's cluster)
	@CLUSTER=$(CLUSTER) $(CLUSTER_PYTHON) -m devcluster up

cluster-down: bootstrap-cluster ## end it; only caches stay
	@CLUSTER=$(CLUSTER) $(CLUSTER_PYTHON) -m devcluster down

cluster-info: bootstrap-cluster ## JSON: kubeconfig, ingress, s3
	@CLUSTER=$(CLUSTER) $(CLUSTER_PYTHON) -m devcluster info

images: bootstrap-cluster ## build the operator, trainer and predictor images and load them into the cluster (GPU=1: predictor-gpu, too; as well with deploy)
	@CLUSTER=$(CLUSTER) $(CLUSTER_PYTHON) -m devcluster images

deploy: bootstrap-cluster ## helm install (or upgrade) the operator
	@CLUSTER=$(CLUSTER) scripts/deploy

generate: bootstrap ## write the generated files: CRD, chart values schema, manifests, API reference
	@scripts/generate

format: bootstrap ## format and fix what can be fixed
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

check: bootstrap ## format, lint, types, layers, generated files and locks fresh
	@scripts/check

test-unit: bootstrap ## no cluster; most take milliseconds
	@scripts/suite unit

test-laptop: bootstrap ## the command's real processes on this machine, no cluster; the report in a browser
	@scripts/suite laptop
	@scripts/browser && scripts/suite browser

test-api: bootstrap ## against a real kube-apiserver
	@scripts/suite api

test-e2e: bootstrap cluster-up images ## against the whole stack
	@scripts/suite e2e

test-devcluster: bootstrap cluster-up ## heal, idempotence, and what cluster-down leaves; disturbs everything else
	@scripts/suite devcluster

test: ## everything that this machine can host
	@scripts/test

bench: bootstrap cluster-up images deploy ## measure; prints figures with their spread
	@$(PYTHON) -m tests.bench

bench-training: bootstrap ## only what training takes and reaches, against the tutorial: no cluster
	@$(PYTHON) -m tests.bench --only training

bench-serving: bootstrap ## only how the predictor serves, against KServe's documented one: waking needs the cluster
	@$(PYTHON) -m tests.bench --only serving
