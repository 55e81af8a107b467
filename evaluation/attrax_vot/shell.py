"""What a shell's user expects of a command line: suggestions for mistyped words, and completions."""

import argparse
import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

SHELLS = ("bash", "zsh", "fish")

_CHOICE = re.compile(r"invalid choice: '(.*?)' \(choose from (.*?)\)")
_OTHERS = "unrecognized arguments: "


class Parser(argparse.ArgumentParser):
    """A parser whose errors name the nearest known word."""

    def error(self, message: str) -> NoReturn:
        """Prints usage and message, and ends with status 2."""
        super().error(message + self._suggestion(message))

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401 - as argparse has it
        """Parses; a command refuses unknown arguments itself, with its own usage."""
        known, others = super().parse_known_args(args, namespace)
        if others and self._subparsers is None:
            self.error(_OTHERS + " ".join(others))
        return known, others

    def _suggestion(self, message: str) -> str:
        if found := _CHOICE.search(message):
            return _did_you_mean(found[1], [choice.strip(" '") for choice in found[2].split(",")])
        if message.startswith(_OTHERS):
            word = message.removeprefix(_OTHERS).split()[0]
            if word.startswith("-"):
                return _did_you_mean(word.partition("=")[0], [name for name, _ in options(self)])
        return ""


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def options(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """The long options of a parser with their help."""
    for action in parser._actions:
        for name in action.option_strings:
            if name.startswith("--"):
                yield name, (action.help or "") % {"prog": parser.prog}


def commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """The commands of a parser with their help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, command in action.choices.items():
                yield name, helps.get(name, ""), command


def completions(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script that completes a program's commands and options in a shell.

    Args:
        parser: the program's, whose commands may have commands of their own.
        shell: one of `SHELLS`.
    """
    if shell == "fish":
        return "".join(f"{line}\n" for line in _fish(parser))
    text = _bash(parser)
    if shell == "bash":
        return text
    return f"#compdef {parser.prog}\nautoload -U +X bashcompinit && bashcompinit\n{text}"


def _bash(parser: argparse.ArgumentParser) -> str:
    """A function that offers the words of the command that was typed, and else names of files."""
    function = "_" + parser.prog.replace("-", "_")
    cases = []
    for path, command in _all(parser, ()):
        words = [name for name, _, _ in commands(command)] + [name for name, _ in options(command)]
        cases.append(f'        "{" ".join(path)}") words="{" ".join(words)}" ;;')
    known = " ".join(sorted({name for path, _ in _all(parser, ()) for name in path}))
    lines = [
        f"{function}() {{",
        '    local current="${COMP_WORDS[COMP_CWORD]}" path="" words="" word',
        '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        f'        case " {known} " in *" $word "*) path="${{path:+$path }}$word" ;; esac',
        "    done",
        '    case "$path" in',
        *cases,
        "    esac",
        '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
        "}",
        f"complete -o default -o bashdefault -F {function} {parser.prog}",
    ]
    return "\n".join(lines) + "\n"


def _fish(parser: argparse.ArgumentParser) -> Iterator[str]:
    for path, command in _all(parser, ()):
        seen = "; and ".join(f"__fish_seen_subcommand_from {name}" for name in path)
        own = [name for name, _, _ in commands(command)]
        if own:
            before = " ".join(own)
            condition = f"{seen}; and not " if seen else "not "
            for name, about, _ in commands(command):
                yield (
                    f"complete -c {parser.prog} -n '{condition}__fish_seen_subcommand_from {before}' "
                    f"-a {name} -d {_quoted(about)}"
                )
        for name, about in options(command):
            when = f" -n '{seen}'" if seen else ""
            yield f"complete -c {parser.prog}{when} -l {name.removeprefix('--')} -d {_quoted(about)}"


def _all(
    parser: argparse.ArgumentParser, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """A parser and those of its commands, with the words that lead there."""
    yield path, parser
    for name, _, command in commands(parser):
        yield from _all(command, (*path, name))


def _quoted(text: str) -> str:
    """A text as fish reads it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
