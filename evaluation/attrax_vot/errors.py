"""The package's error."""


class EvaluationError(Exception):
    """Something that the user can put right: a wrong path, an unknown tracker, a damaged dataset."""
