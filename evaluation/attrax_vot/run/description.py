"""Whether the files that describe a workspace, `config.yaml` and its stack, hold what the toolkit expects."""

import re
from pathlib import Path
from typing import Any

import yaml

from attrax_vot.run.sentences import EXPECTED, sentence
from attrax_vot.run.toolkit import EvaluationError


def read(file: Path) -> dict[str, Any]:
    """What `config.yaml` holds, every value as text, in lists and tables.

    Raises:
        EvaluationError: it describes no workspace, or a value is of another kind.
    """
    config = yaml.load(file.read_text(), Loader=yaml.BaseLoader)
    if not isinstance(config, dict):
        raise EvaluationError("it describes no workspace; it needs a line 'stack: NAME'")
    if "stack" in config and not (isinstance(config["stack"], (str, dict)) and config["stack"]):
        raise EvaluationError(f"stack: {config['stack']!r} is not the name of a stack; it needs a line 'stack: NAME'")
    if "sequences" in config and not isinstance(config["sequences"], str):
        raise EvaluationError(f"sequences: {config['sequences']!r} is not the name of a folder")
    places = config.setdefault("registry", ["./trackers.ini"])
    if not isinstance(places, str) and not (isinstance(places, list) and all(isinstance(each, str) for each in places)):
        raise EvaluationError(f"registry: {places!r} is not the name of a file, nor a list of such names")
    return config


def check_experiments(file: Path) -> None:
    """Makes sure that a stack's file lists experiments, each with its name and its type.

    Raises:
        EvaluationError: it does not, or cannot be read.
    """
    try:
        text = file.read_text()
        stack, typed = yaml.load(text, Loader=yaml.BaseLoader), yaml.safe_load(text)
    except (*EXPECTED, RecursionError, ValueError) as error:
        raise EvaluationError(sentence(error, file)) from error
    listed = stack.get("experiments") if isinstance(stack, dict) else None
    if not isinstance(listed, dict):
        raise EvaluationError(f"{file} lists no experiments")
    for name, experiment in listed.items():
        # It becomes the name of a folder of results.
        if not re.fullmatch(r"[^/\\\x00-\x1f]*[^/\\\x00-\x1f.][^/\\\x00-\x1f]*", name):
            raise EvaluationError(f"{file}: {name!r} is no name of an experiment: it is no name of a folder")
        if not isinstance(experiment, dict) or not isinstance(experiment.get("type"), str):
            raise EvaluationError(f"{file}: experiment {name} has no line 'type: ...'")
    if odd := [name for name in typed["experiments"] if not isinstance(name, str)]:
        raise EvaluationError(
            f"{file}: the experiment's name {odd[0]} has to be in quotes, because it is no text in YAML"
        )
