# Two commands do everything on a machine that has python3 (3.10 or newer) and make:
#
#   make fuse    fuse the sample pairs of all four tasks and say where the pictures are
#   make test    linters, type checker, spelling, and every test
#
# Both install into .venv first; pip runs again only when pyproject.toml has changed.
# FILM_DATA=FOLDER make test also runs the tests that need the real image pairs.

PYTHON ?= python3
VENV ?= .venv
OUTPUT ?= outputs/samples
BIN := $(VENV)/bin

.PHONY: fuse test clean

fuse: $(VENV)/.installed
	$(BIN)/film fuse film/samples/IVF/IR film/samples/IVF/VI --task IVF --output $(OUTPUT)/IVF --compare
	$(BIN)/film fuse film/samples/MIF/MRI film/samples/MIF/T --task MIF --output $(OUTPUT)/MIF --compare
	$(BIN)/film fuse film/samples/MEF/OVER film/samples/MEF/UNDER --task MEF --output $(OUTPUT)/MEF --compare
	$(BIN)/film fuse film/samples/MFF/NEAR film/samples/MFF/FAR --task MFF --output $(OUTPUT)/MFF --compare
	@echo "The fused images lie in $(OUTPUT), each also beside its sources:"
	@ls $(OUTPUT)/*/*_compare.png

test: export OMP_NUM_THREADS = 1
test: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/pytest -n 2

clean:
	rm -rf $(VENV) build outputs

# Editable: a change in film/ or configs/ counts at once, so that only pyproject.toml decides when pip has to run.
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install --editable '.[dev]'
	@touch $@
