"""What a shell's user expects: completions, and the nearest known word in errors."""

import shutil
import subprocess
from pathlib import Path

import pytest

from attrax_vot.cli import main


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evalute", "x"], "did you mean evaluate?"),
        (["run", "x", "DAT", "--job", "4", "--seqences", "a"], "--seqences a; did you mean --sequences?"),
        (["weights", "ftch"], "did you mean fetch?"),
        (["weights", "fetch", "vgg-m", "--unverifed"], "attrax-vot weights fetch: error: unrecognized arguments"),
    ],
)
def test_mistyped_words(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_word_like_no_other(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["zzzzzzzz"])
    assert "did you mean" not in capsys.readouterr().err


def test_bash_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["completions", "bash"]) == 0
    script = tmp_path / "completions"
    script.write_text(capsys.readouterr().out)
    for words, expected in {
        "attrax-vot ev": "evaluate",
        "attrax-vot run out/x DAT --seq": "--sequences",
        "attrax-vot weights f": "fetch",
        "attrax-vot weights fetch --unv": "--unverified",
    }.items():
        ask = f"source {script}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _attrax_vot"
        ask += '; echo "${COMPREPLY[@]}"'
        assert subprocess.run(["bash", "-c", ask], capture_output=True, text=True).stdout.split() == [expected]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_read_their_script(shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["completions", shell]) == 0
    script = tmp_path / "completions"
    script.write_text(capsys.readouterr().out)
    assert "sequences" in script.read_text()
    if program := shutil.which(shell):
        read = subprocess.run([program, "--no-execute", script], capture_output=True, text=True)
        assert read.returncode == 0, read.stderr
