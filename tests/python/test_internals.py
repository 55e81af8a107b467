"""Every private member of the toolkit that this package uses, under each version of the toolkit."""

from pathlib import Path

import pytest
from conftest import jitter_registry
from toolkits import VERSIONS, finish, start

# Prints a line for each member of `attrax_vot.run.internals`.
PROGRAM = """
import sys
from importlib import import_module
from pathlib import Path
from vot.tracker import Registry, Results
from vot.workspace import Workspace
from vot.workspace.storage import LocalStorage
from attrax_vot.run import internals

registry, space, demo = sys.argv[1:]
tracker = Registry([registry])["Jitter"]
print("folder", internals.folder(Results(LocalStorage("/a/b"))))
print("protocols", {"trax", "traxpython", "traxmatlab"} <= set(internals.protocols()))
changed = internals.with_environment(tracker, {"MORE": "1"})
print("environment", changed.describe()["env"], tracker.describe()["env"])
runtime = changed.runtime()
runtime._output("words")
print("written", internals.written(runtime))

class Other(type(tracker)):
    pass

print("become", type(internals.become(changed, Other)).__name__)
print("arguments", internals.arguments(runtime))
print("timeout", internals.timeout(runtime), internals.process(runtime))
print("constructor", callable(internals.constructor("traxpython")))
import subprocess
class Started(subprocess.Popen):
    pass
internals.start_by(Started)
runtime._connect()
print("started", type(internals.process(runtime)._process).__name__)
client = internals.process(runtime)._client
internals.exchange_client(runtime, lambda old: [old])
print("client", internals.process(runtime)._client == [client])
# The clock of replies: at rest, started and stopped.
import time
time.sleep(0.3)
seen = [internals.starting(runtime), internals.idle(runtime)]
internals.limit_reply(runtime, True)
seen.append(internals.idle(runtime))
internals.limit_reply(runtime, False)
print("clock", seen, internals.idle(runtime))
internals.exchange_client(runtime, lambda new: new[0])
runtime.stop()
for module, kind, method in internals.OVERRIDDEN:
    assert callable(getattr(getattr(import_module(module), kind), method)), method
config = {"registry": [], "sequences": demo}
Path(space).mkdir()
try:
    Workspace(space, **config, stack={"experiments": {"b": {"type": "supervised", "repetitions": "x"}}})
except Exception as error:
    print("keys", internals.keys(error), internals.keys(ValueError()))
(Path(space) / "stack.yaml").write_text("title: t\\nexperiments: {b: {type: supervised, repetitions: 15}}\\n")
space = Workspace(space, **config, stack="stack.yaml")
print("registries", internals.registries(space.registry))
print("enough", internals.enough(space.stack["b"], tracker, next(iter(space.dataset))))
"""
SAYS = """folder /a/b
protocols True
environment {'A': '1', 'MORE': '1'} {'A': '1'}
written words
become Other
arguments {'seed': '7'}
timeout 30.0 None
constructor True
started Started
client True
clock [False, True, False] True
keys ['stack', 'experiments', 'repetitions'] []
registries []
enough False"""


@pytest.mark.parametrize("version", VERSIONS)
def test_private_members(version: str, demo: Path, tmp_path: Path):
    registry = jitter_registry(tmp_path, a="1")
    registry.write_text(registry.read_text() + "arg_seed = 7\n")
    said = finish(start(version, PROGRAM, registry, tmp_path / "space", demo))
    assert SAYS in said, said
