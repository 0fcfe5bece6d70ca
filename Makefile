# make demo, make test: each does its own set-up from Python 3.10 or newer and pip. Nothing is installed outside .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
ARGS ?=
export OMP_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
export MPLBACKEND ?= agg

.PHONY: demo test site slow findings benchmarks check-export lint check-site check-wheel check-notebooks clean

demo: .venv/.run   ## the demo; ARGS='--seeds 0:10 --out elsewhere' changes it
	@$(BIN)/optbias demo $(ARGS)

test: check-export lint check-site check-wheel check-notebooks   ## everything; closes with "N passed, N failed"

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 $(MAKECMDGOALS)") if sys.version_info < (3, 10) else None'
	@echo 'installing into .venv (once)'
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.run: .venv/.made constraints.txt settings.ini setup.py pyproject.toml
	@$(PIP) -e .
	@touch $@

.venv/.dev: .venv/.run
	@$(PIP) -e '.[dev]'
	@touch $@

check-export: .venv/.dev   ## modules and notebooks are as nbdev-export and nbdev-clean leave them
	@test "$$(readlink nbs/_quarto.yml)" = ../_quarto.yml || { echo 'nbs/_quarto.yml must be a link to ../_quarto.yml'; exit 1; }
	@mkdir -p .make && find nbs optbias -name '*.ipynb' -o -name '*.py' | sort | xargs sha256sum > .make/before
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh -c 'nbdev-export && nbdev-clean'
	@find nbs optbias -name '*.ipynb' -o -name '*.py' | sort | xargs sha256sum | diff .make/before - || { echo 'run nbdev-export and nbdev-clean, and commit what they change'; exit 1; }
	@echo 'export and clean: nothing changed'

lint: .venv/.dev
	@$(BIN)/ruff check .
	@$(BIN)/mypy optbias

check-site: .venv/.dev   ## the site builds, every link, anchor and formula is right, README.md is fresh
	@$(BIN)/python -m optbias.dev.site

check-wheel: .venv/.dev   ## the wheel installs into a bare environment, without nbdev or Jupyter, and works
	@rm -rf build/wheel build/bare && $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps -w build/wheel .
	@$(PYTHON) -m venv build/bare
	@build/bare/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt build/wheel/*.whl
	@cd build && bare/bin/python -c "import pkgutil, importlib, importlib.util as u, optbias; [importlib.import_module('optbias.'+m.name) for m in pkgutil.iter_modules(optbias.__path__) if m.name != 'dev']; assert not any(u.find_spec(n) for n in ('nbdev', 'IPython')); print('the wheel imports')"
	@cd build && bare/bin/optbias data mnist

check-notebooks: .venv/.dev   ## every page in a fresh kernel, two at a time
	@$(BIN)/python -m optbias.dev.nbci --jobs 2 --timeout 300 --junit notebooks.xml

site: .venv/.dev   ## _docs/ and README.md
	@$(BIN)/python -m optbias.dev.site --write-readme

slow: .venv/.dev   ## make the stored results again; the data page needs OPTBIAS_DATA, the study page Ray and submitit
	@$(PIP) -e '.[dev,ray,slurm]'
	@$(BIN)/python -m optbias.dev.nbci --flags slow --timeout 3600

findings: .venv/.dev   ## part IV again, all of it; QUICK=1: one seed of each experiment, and the stored results stay as they are
	@OPTBIAS_QUICK=$(QUICK) $(BIN)/python -m optbias.dev.nbci --flags slow --jobs 1 --timeout 14400 $(sort $(wildcard nbs/2*.ipynb))

benchmarks: .venv/.run   ## CPU seconds at one thread
	@for b in benchmarks/*.py; do $(BIN)/python $$b || exit 1; done

clean:
	rm -rf .venv build _docs _proc _site_src notebooks.xml
