# Every target is a line or two; what it runs can be typed by hand from .venv/bin.
PYTHON ?= python3
PY := .venv/bin/python
STORE ?= var
export HF_HUB_OFFLINE ?= 1
export TANDEM_DATA ?= $(abspath ../shared/data)

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow lint format grocery load bench-load bench-drift faults bench-request bench-recall bench-retrieval bench-gpu prove-gpu gpu-kernels scale bench-tensorrt prove-served compare modelopt train-sample train-recommend bench-tasks clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[36m%-14s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STORE)/releases/0001/manifest.json ## Make a shop and a release, serve it, ask it three questions, change it, stop
	$(PY) -m sample demo --store $(STORE)

test: .venv/.dev ## Run the tests, real servers and faults included, in two processes
	OMP_NUM_THREADS=1 $(PY) -m pytest --numprocesses 2

test-slow: .venv/.dev ## Run the tests that `make test` leaves out: crash and soak tests, the benchmarks in small
	$(PY) -m pytest -m slow

lint: .venv/.dev ## Check style and types
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy .

format: .venv/.dev ## Format the code
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

grocery: .venv/.demo ## Train a head, release real groceries in the fastest precision that passes, judge it as served (needs TANDEM_DATA)
	test -f var/grocery/head.safetensors || $(PY) -m training head --out var/grocery/head.safetensors
	$(PY) -m benchmarks.queries_files grocery --out var/grocery/queries.jsonl
	$(PY) -m benchmarks.queries_files grocery --split train --out var/grocery/calibration.jsonl
	$(PY) -m export release --catalogue $(TANDEM_DATA)/grocery/catalogue.jsonl --towers configs/grocery.toml --store var/grocery --queries var/grocery/queries.jsonl --calibration var/grocery/calibration.jsonl
	$(PY) -m benchmarks.served --store var/grocery --queries var/grocery/queries.jsonl

prove-served: .venv/.dev $(STORE)/releases/0001/manifest.json ## Judge the sample's release as served: recall of Triton's answers against exact FP32
	$(PY) -m benchmarks.served --store $(STORE) --queries $(STORE)/sample/queries.jsonl

bench-request: .venv/.dev $(STORE)/releases/0001/manifest.json ## What serving adds: in process, FastAPI and Triton side by side
	$(PY) -m benchmarks.request --store $(STORE)

bench-recall: .venv/.dev $(STORE)/releases/0001/manifest.json ## Recall over the sample's held-out photos and, after `make grocery`, real ones
	$(PY) -m benchmarks.recall --store $(STORE)

bench-retrieval: .venv/.dev ## Our CPU engine beside faiss, usearch and qdrant-edge, on 500,000 embedded titles (encoded once, half an hour)
	$(PY) -m benchmarks.retrieval

bench-gpu: .venv/.dev ## The exact scan on the GPU beside PyTorch, faiss and cuVS, against the memory roofline (needs a GPU)
	$(PY) -m benchmarks.gpu --document docs/results

prove-gpu: .venv/.dev $(STORE)/releases/0001/manifest.json ## Serve the sample's release on the GPU, and compare its answers with those of main memory (needs a GPU)
	$(PY) -m benchmarks.gpu.served --store $(STORE)

gpu-kernels: .venv/.dev ## Compile the GPU's kernels for sm_80 and sm_90, without a GPU: registers, spills, shared memory
	$(PY) -m ensemble.index.gpu.compiling

scale: .venv/.dev ## Work out the fleets of docs/scale.md anew
	$(PY) -m benchmarks.scale --write

bench-tensorrt: .venv/.dev $(STORE)/releases/0001/manifest.json ## Engines in FP32, FP16, INT8 beside PyTorch and ONNX Runtime (needs a GPU and TensorRT)
	$(PY) -m benchmarks.tensorrt --store $(STORE)

compare: .venv/.dev ## Compare five vision towers on the groceries (needs TANDEM_DATA)
	test -f var/grocery/head.safetensors || $(PY) -m training head --out var/grocery/head.safetensors
	$(PY) -m benchmarks.compare_towers
	$(PY) -m benchmarks.queries_files grocery --out var/compare/queries.jsonl
	$(PY) -m export compare --towers configs/compare/*.toml --columns configs/grocery.toml --catalogue $(TANDEM_DATA)/grocery/catalogue.jsonl --queries var/compare/queries.jsonl

modelopt: .venv-modelopt/.done ## Build the environment of NVIDIA ModelOpt, which makes INT8 graphs for TensorRT (1.4 GB)

load: .venv/.dev ## Load a running server for half a minute, and hold it against the promises of a shop
	$(PY) -m loadtest run --store $(STORE) --rate 20 --seconds 30 --slo loadtest/promises/shop.toml --out $(STORE)/load.html

bench-load: .venv/.dev $(STORE)/releases/0001/manifest.json ## Where the knee is, 50% and 80% of it, three times too much, releases switched under load (half an hour)
	$(PY) -m benchmarks.load --store $(STORE) --document docs/results

faults: .venv/.dev ## Kill, stop, fill and cut off every part under traffic: what callers see, how long, what is lost (five minutes)
	$(PY) -m tests.faults --document docs/results

bench-drift: .venv/.dev ## How often drift is told where there is none, and how soon where there is (needs TANDEM_DATA)
	$(PY) -m benchmarks.drift --data $(TANDEM_DATA) --store $(STORE)/drift

train-sample: $(STORE)/sample/catalogue.jsonl ## Train the sample's vision tower anew (about half an hour on 2 cores)
	$(PY) -m training vision --out sample/vision.safetensors

train-recommend: $(STORE)/releases/0001/manifest.json ## Train the sample's product tower anew, on what its shoppers did (three minutes)
	$(PY) -m training pairs --events $(STORE)/sample/events.jsonl --out $(STORE)/training/pairs.parquet
	$(PY) -m training complements --events $(STORE)/sample/events.jsonl --catalogue $(STORE)/sample/catalogue.jsonl --out $(STORE)/training/complements.json
	$(PY) -m training product-tower --pairs $(STORE)/training/pairs.parquet --catalogue $(STORE)/sample/catalogue.jsonl --store $(STORE) --dim 64 --hidden 128 --work $(STORE)/training/product --out sample/product_tower

bench-tasks: .venv/.dev ## Recommendations on a year of a real shop beside honest baselines, and their speed over 500,000 products (needs TANDEM_DATA)
	$(PY) -m benchmarks.tasks --data $(TANDEM_DATA) --store $(STORE) --document docs/results

clean: ## Remove everything that was made, but not the environment
	rm -rf var

.venv/bin/pip:
	$(PYTHON) -m venv .venv

.venv/.demo: pyproject.toml | .venv/bin/pip
	.venv/bin/pip install --quiet --editable '.[serve,export]'
	touch $@

.venv/.dev: pyproject.toml | .venv/bin/pip
	.venv/bin/pip install --quiet --editable '.[dev]'
	touch $@

.venv-modelopt/.done: export/precision/modelopt/requirements.txt
	$(PYTHON) -m venv .venv-modelopt
	.venv-modelopt/bin/pip install --quiet --requirement $<
	.venv-modelopt/bin/pip install --quiet --no-deps nvidia-modelopt==0.47.0
	touch $@

$(STORE)/sample/catalogue.jsonl $(STORE)/sample/queries.jsonl $(STORE)/sample/calibration.jsonl &: | .venv/.demo
	$(PY) -m sample make --out $(STORE)/sample

$(STORE)/releases/0001/manifest.json: $(STORE)/sample/catalogue.jsonl $(STORE)/sample/queries.jsonl $(STORE)/sample/calibration.jsonl
	$(PY) -m export release --catalogue $< --towers sample/towers.toml --store $(STORE) --queries $(STORE)/sample/queries.jsonl --calibration $(STORE)/sample/calibration.jsonl
