# make run   the dashboard on http://localhost:8501, installing what it needs the first time
# make test  the same set-up plus test dependencies, then ruff, mypy, import contracts and the test suite
# make clean removes the virtual environment and caches

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: run test benchmark clean

run: $(VENV)/.run-installed
	$(BIN)/python -m streamlit run app/main.py

test: $(VENV)/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -m "not benchmark" -n 2 --dist loadfile

benchmark: $(VENV)/.test-installed
	$(BIN)/python -m pytest -m benchmark -s --timeout=1800 tests/benchmarks

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name one with: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run-installed: requirements.txt | $(VENV)/.created
	$(PIP) install --quiet -r requirements.txt
	@touch $@

$(VENV)/.test-installed: requirements.txt requirements-jax.txt tests/requirements.txt tests/requirements-no-deps.txt | $(VENV)/.created
	$(PIP) install --quiet -r tests/requirements.txt
	$(PIP) install --quiet --no-deps -r tests/requirements-no-deps.txt
	@touch $@ $(VENV)/.run-installed
