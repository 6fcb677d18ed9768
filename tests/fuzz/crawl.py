"""Coverage-guided fuzzing of one contract, in a process of its own: ``python -m fuzz.crawl NAME OPTIONS-OF-LIBFUZZER``.

atheris takes the process over and never returns; a broken contract ends it with a status of its own. The directory of
tests must be on the path, and only our own ``wire`` is instrumented.
"""

import importlib
import sys

atheris = importlib.import_module("atheris")  # it has no types, and is not there for every Python

with atheris.instrument_imports(include=["yizhan.wire"]):
    from fuzz.contracts import CONTRACTS

if __name__ == "__main__":
    name, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *options], CONTRACTS[name])
    atheris.Fuzz()
