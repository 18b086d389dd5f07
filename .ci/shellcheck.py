#!/usr/bin/env python3
"""Runs shellcheck over every shell script of the repository and over the recipes of Makefiles.

In a recipe $(NAME) becomes the shell variable ${NAME}, so that a path without quotes is found; what is a command or a
list by intent is named below. Usage: shellcheck.py [MAKEFILE ...]; without arguments all that git knows is checked.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

# Variables of the Makefile that hold a command with its arguments, or a list of words.
WORDS = {"GO_BUILD": "go build", "MAKE": "make", "HAVE_JAEGER": "true", "IMAGES": "one two", "DAGS_LOCK": "one two"}
FUNCTION = re.compile(r"\$\((?:addprefix|IMAGE_TAGS:|OTHER_ARCH:)[^()]*(?:\([^()]*\)[^()]*)*\)")
SHELL = re.compile(r"#!.*\b(?:ba|da|)sh\b")
# In recipes: a variable of make is assigned elsewhere (SC2154), and SHELL's flags are make's affair.
RECIPE_EXCLUDES = "SC2154"


def main() -> int:
    """Check everything; 0 when there is nothing to say."""
    tool = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or shutil.which("shellcheck")
    if not tool:
        print("######## NOT RUN: shellcheck is missing; dags/requirements-dev.txt has it ########", file=sys.stderr)
        return 1
    files = [Path(name) for name in sys.argv[1:]] or _tracked()
    makefiles = [file for file in files if file.name == "Makefile"]
    scripts = [str(file) for file in files if file not in makefiles and _is_script(file)]
    bad = bool(scripts) and subprocess.run([tool, "--", *scripts], check=False).returncode
    for makefile in makefiles:
        for target, line, recipe in recipes(makefile.read_text()):
            run = [tool, "--shell=bash", f"--exclude={RECIPE_EXCLUDES}", "--format=gcc", "-"]
            done = subprocess.run(run, input=recipe, capture_output=True, text=True, check=False)
            if done.returncode:
                print(
                    f"{makefile}:{line}: the recipe of {target}:\n{recipe}\n{done.stdout}{done.stderr}", file=sys.stderr
                )
                bad = True
    print(
        f"shellcheck: {len(scripts)} scripts and the recipes of {len(makefiles)} Makefiles: {'faults' if bad else 'ok'}"
    )
    return 1 if bad else 0


def recipes(text: str) -> list[tuple[str, int, str]]:
    """Each line of a recipe as a script of bash, with its target and where it begins."""
    found, target, lines = [], "", text.splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        if match := re.match(r"([^\s#:=][^:=]*):(?!=)", line):
            target = match[1]
        begin = number + 1
        if line.startswith("\t"):
            parts = [line[1:]]
            while parts[-1].endswith("\\"):
                number += 1
                parts.append(lines[number])
            found.append((target, begin, _script("\n".join(parts))))
        number += 1
    return found


def _script(recipe: str) -> str:
    """What the shell gets, with make's variables as variables of the shell."""
    text = recipe.lstrip("@-+").replace("$$", "\0")
    text = FUNCTION.sub("word", text)
    text = re.sub(r"\$\((\w+)\)", lambda match: WORDS.get(match[1], "${" + match[1] + "}"), text)
    text = text.replace("$@", "${TARGET}").replace("\0", "$")
    return f"set -euo pipefail\n{text}\n"


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := Path(name)).is_file()]


def _is_script(file: Path) -> bool:
    with file.open("rb") as opened:
        return bool(SHELL.match(opened.readline(200).decode(errors="replace")))


if __name__ == "__main__":
    sys.exit(main())
