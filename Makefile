# The two commands of the README, and what CI adds to them. Python 3.11 is all they need. Another
# one is named in PYTHON and has an environment of its own: `make test PYTHON=python3.13`.

PYTHON ?= python3.11
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
IS_DEFAULT := $(filter 3.11,$(VERSION))
VENV := $(if $(IS_DEFAULT),.venv,.venv-$(VERSION))
BIN := $(VENV)/bin
OLDEST := $(VENV)-oldest
FRESH := $(VENV)-wheel
INSTALL := PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet
# two processes on two cores: a second thread of torch or BLAS would only be in the way
ONE_THREAD := OMP_NUM_THREADS=1
# what a comma does inside a function of make
, := ,
# With another Python than the default one there may be no Ray and no CPU build of torch, and the others
# bring gigabytes of CUDA: their tests are skipped there, or EXTRAS names them.
EXTRAS := test,test-remote,featurewiz-modern$(if $(IS_DEFAULT),$(,)test-ray$(,)wav2vec)

.PHONY: demo test test-slow test-without-bfloat16 test-oldest test-wheel test-javascript test-browser docs lint \
	lint-javascript clean

demo: $(VENV)/installed-demo
	$(if $(SONGS),$(BIN)/skgenre predict "$(SONGS)",$(BIN)/python examples/demo.py)

test: $(VENV)/installed
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

# What takes too long for every run: all checks of scikit-learn on every net, and the like.
test-slow: $(VENV)/installed
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2 --dist worksteal -m slow

# What the other runs do on a CPU with bfloat16, as on one without.
test-without-bfloat16: $(VENV)/installed
	ONEDNN_MAX_CPU_ISA=AVX512_CORE $(ONE_THREAD) $(BIN)/python -m pytest -n 2 --dist worksteal \
		tests/feature_extraction/test_wav2vec.py tests/neural_network/test_fine_tuning.py

# The oldest versions that are supported, with the extra `featurewiz`: what calls other libraries, but
# for the training of nets.
test-oldest: $(OLDEST)/installed
	$(ONE_THREAD) $(OLDEST)/bin/python -m pytest -n 2 --dist worksteal -m "not slow" -k "not Keras" \
		skgenre/feature_selection \
		$(addprefix tests/,audio datasets ensemble feature_extraction feature_selection inspection \
		mixture model_selection preprocessing test_bags.py test_checked_files.py \
		test_estimator_checks.py test_fixtures.py test_names.py test_statistics.py test_tables.py)

# What `pip install skgenre` gives: the wheel and what it needs, without extras, in an environment that
# is made anew. `-I` leaves out the checkout.
test-wheel:
	$(PYTHON) -m venv --clear $(FRESH)
	$(FRESH)/bin/python -m pip wheel --quiet --no-deps --wheel-dir $(FRESH) .
	$(FRESH)/bin/python -m pip install --quiet --constraint constraints.txt $(FRESH)/*.whl
	$(ONE_THREAD) $(FRESH)/bin/python -I .ci/check_wheel.py

# Model files outside Python, by Node and onnxruntime-web.
test-javascript: $(VENV)/installed
	npm ci --prefix examples/javascript --ignore-scripts --no-audit --no-fund
	$(ONE_THREAD) $(BIN)/python -m pytest tests/persistence/test_javascript.py

# The page of `skgenre web`, in Debian's Chromium.
test-browser: $(VENV)/installed-browser
	npm ci --prefix tools/javascript --ignore-scripts --no-audit --no-fund
	$(BIN)/python tools/vendor_web.py
	$(ONE_THREAD) $(BIN)/python -m pytest tests/web

# The site, in docs/_build/html. It runs the examples of the gallery. A broken link, a docstring with a
# fault or an example that fails is an error.
docs: $(VENV)/installed-docs
	$(ONE_THREAD) $(BIN)/sphinx-build -W --keep-going -n -b html docs docs/_build/html

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/codespell

lint-javascript:
	npm ci --prefix tools/javascript --ignore-scripts --no-audit --no-fund
	npm run --prefix tools/javascript lint

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed-demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing what the demo needs into $(VENV) (about 3 GB, a few minutes) ..."
	$(INSTALL) --editable ".[keras,plot]"
	@touch $@

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing what the tests need into $(VENV) (about 4.7 GB, a few minutes) ..."
	$(INSTALL) --editable ".[$(EXTRAS)]"
	$(INSTALL) --no-deps featurewiz==0.6.1 lazytransform==1.18
	@touch $@ $(VENV)/installed-demo

$(VENV)/installed-dev: $(VENV)/installed
	$(INSTALL) --editable ".[dev]"
	@touch $@

$(VENV)/installed-browser: $(VENV)/installed
	$(INSTALL) --editable ".[browser]"
	@touch $@

$(VENV)/installed-docs: $(VENV)/installed
	$(INSTALL) --editable ".[docs]"
	@touch $@

$(OLDEST)/installed: pyproject.toml constraints-oldest.txt
	@echo "Installing into $(OLDEST) (about 4.7 GB, a few minutes) ..."
	$(PYTHON) -m venv $(OLDEST)
	PIP_CONSTRAINT=constraints-oldest.txt $(OLDEST)/bin/python -m pip install --quiet \
		--editable ".[test,wav2vec,featurewiz]"
	@touch $@

clean:
	rm -rf .venv .venv-* demo_output build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache \
		examples/javascript/node_modules tools/javascript/node_modules skgenre/web/vendor docs/_build docs/auto_examples docs/api/generated
