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
	@for task in IVF MIF MEF MFF; do \
		$(BIN)/film fuse film/samples/$$task/a film/samples/$$task/b --task $$task --output $(OUTPUT)/$$task --compare || exit 1; \
	done
	@echo "The fused images, and each beside its sources, lie in $(OUTPUT):"
	@ls $(OUTPUT)/*/*

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
