# The two commands of the README, and what CI adds to them. Python 3.11 is all they need.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-oldest
INSTALL := PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet
# two processes on two cores: a second thread of torch or BLAS would only be in the way
ONE_THREAD := OMP_NUM_THREADS=1

.PHONY: demo test test-oldest lint clean

demo: $(VENV)/installed
	$(BIN)/python examples/demo.py

test: $(VENV)/installed
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2

# The oldest versions that are supported, with the extra `featurewiz`: all but the training of nets.
test-oldest: $(OLDEST)/installed
	$(ONE_THREAD) $(OLDEST)/bin/python -m pytest -n 2 -k "not Keras" skgenre/feature_selection \
		$(addprefix tests/,audio datasets ensemble feature_extraction feature_selection inspection \
		mixture model_selection preprocessing test_bags.py test_division.py test_estimator_checks.py \
		test_import.py test_statistics.py)

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/codespell

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing into $(VENV) (about 3 GB, a few minutes) ..."
	$(INSTALL) --editable ".[test,featurewiz-modern]"
	$(INSTALL) --no-deps featurewiz==0.6.1 lazytransform==1.18
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(INSTALL) --editable ".[dev]"
	@touch $@

$(OLDEST)/installed: pyproject.toml constraints-oldest.txt
	@echo "Installing into $(OLDEST) (about 3 GB, a few minutes) ..."
	$(PYTHON) -m venv $(OLDEST)
	PIP_CONSTRAINT=constraints-oldest.txt $(OLDEST)/bin/python -m pip install --quiet \
		--editable ".[test,featurewiz]"
	@touch $@

clean:
	rm -rf $(VENV) $(OLDEST) demo_output build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
