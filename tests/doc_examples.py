"""Every program in the documentation compiles, and prints what the page says.

    doc_examples.py RELEASE_DIRECTORY PAGE...

A page is Markdown (.md), a header in C++ (.hpp), or the template of a manual page (.3.in).

The convention, for blocks of C (```c) and C++ (```cpp):

- A block with main() is a program. The other blocks of a page that are in one language are, in their order, the pieces of
  one program: their #include lines come first, the rest is put into its main().
- A ```text block that follows, with no more than a line of prose between the two, is what the program, or the piece,
  prints. Without one it prints nothing.
- A piece that readers need not see is a comment: a line "<!-- c" or "<!-- cpp", the code, and a line "-->".
- "```c no-run" is compiled and not run; "```c no-compile" is neither, and is for what is meant to be wrong.

Blocks of Python (```python) are the pieces of one program per page. DOC_PYTHON is an interpreter that has the package; without
it they are left out.

In headers, what a comment has indented by four is a program each; SETTINGS has what they take for granted. In a manual page it
is what .nf and .fi enclose below EXAMPLES. What these print is not looked at.

Programs are linked with the shared library and with the static one, and must print the same. Nothing is
added but main() and its includes: what a page shows is what there is.
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "docs"
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror", f"-I{ROOT / 'include'}"]
LANGUAGES = {
    "c": (os.environ.get("CC", "gcc").split(), ["-std=c11"], ".c"),
    "cpp": (os.environ.get("CXX", "g++").split(), ["-std=c++17"], ".cpp"),
}
SYSTEM_LIBRARIES = ["-lpthread", "-ldl", "-lm"]
# What comes before main() or at its beginning in the examples of a header.
WRAPPER = "#include <astensor/astensor.hpp>\n"
SETTINGS = {
    "access.hpp": (WRAPPER, "astensor::tensor tensor = astensor::as_tensor({1.f, 2.f});"),
    "dtype.hpp": (WRAPPER + "using astensor::float16;\nstruct half { short bits; };\n", None),
    "loan.hpp": (WRAPPER + "static void run(const astensor::tensor &) {}\n", ""),
    "options.hpp": (WRAPPER + "using namespace astensor;\n", "std::vector<float> numbers{1, 2};"),
}
# Printed between the pieces of a program; no page prints it.
MARK = "\x1e"


class Block:
    """A block of code: where it is, what it says, and what it prints."""

    def __init__(self, page, line, language, words, text):
        self.page, self.line, self.language, self.words, self.text = page, line, language, words, text
        self.expected = ""

    def __str__(self):
        return f"{self.page}:{self.line}"


def blocks(page):
    """The blocks of a page, each with the text block that follows it."""
    found, inside, prose = [], None, 0
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = re.match(r"(?:```|<!-- (?=cp*$))(\w*) ?(.*)$", line)
        if inside is not None:
            if line == inside[4]:
                language, words, start, lines, _ = inside
                text = "".join(f"{each}\n" for each in lines)
                if language == "text" and found and found[-1] is not None and prose <= 1:
                    found[-1].expected = text
                    found.append(None)
                elif language in LANGUAGES or language == "python":
                    found.append(Block(page.relative_to(ROOT), start, language, words.split(), text))
                else:
                    found.append(None)
                inside, prose = None, 0
            else:
                inside[3].append(line)
        elif fence:
            inside = (fence[1], fence[2], number, [], "```" if line.startswith("```") else "-->")
        elif line.strip():
            prose += 1
    if inside is not None:
        sys.exit(f"{page}:{inside[2]}: a block without an end")
    return [block for block in found if block is not None]


def header_examples(path):
    """The sources of the programs that the comments of a header show, each with its line."""
    found, text = [], path.read_text()
    for match in re.finditer(r"(?m)^ \*\n((?: \*     .*\n)+)", text):
        line = text.count("\n", 0, match.start(1)) + 1
        code = re.sub(r"(?m)^ \*     ", "", match[1])
        before, beginning = SETTINGS.get(path.name, (WRAPPER, ""))
        code = f'#line {line} "{path.relative_to(ROOT)}"\n{code}'
        code = f"{code}int main() {{}}\n" if beginning is None else f"int main() {{\n{beginning}\n{code}}}\n"
        found.append((line, before + code))
    return found


def manual_examples(path):
    """The source of the program that a manual page shows, with its line."""
    text = path.read_text()
    match = re.search(r"\.SH EXAMPLES\n\.nf\n(.*?)\.fi\n", text, re.S)
    line = text.count("\n", 0, match.start(1)) + 1
    code = match[1].replace("\\-", "-").replace("\\e", "\\")
    return [(line, f'#include <astensor/astensor.h>\nint main(void) {{\n#line {line} "{path.relative_to(ROOT)}"\n{code}}}\n')]


def whole(block):
    """The source of a program that is one block."""
    return f'#line {block.line + 1} "{block.page}"\n{block.text}'


def joined(pieces):
    """The source of a program whose pieces are several blocks."""
    includes, body = ["#include <stdio.h>\n"], []
    for piece in pieces:
        body.append(f'#line {piece.line + 1} "{piece.page}"\n')
        for line in piece.text.splitlines():
            if line.startswith("#include"):
                includes.append(f"{line}\n")
                body.append("\n")
            else:
                body.append(f"{line}\n")
        # std::cout writes through to stdout, in step with it.
        body.append(f'fputs("{MARK}", stdout);\n')
    return "".join(includes) + "int main(void) {\n" + "".join(body) + "}\n"


def compiled(source, language, name, release):
    """The paths of the program, linked in both ways."""
    compiler, standard, suffix = LANGUAGES[language]
    path = WORK / f"{name}{suffix}"
    path.write_text(source)
    unused = [] if "int main(void) {\n#line" not in source else ["-Wno-unused-variable"]
    run([*compiler, *standard, *WARNINGS, *unused, "-c", path, "-o", WORK / f"{name}.o"], name)
    shared, static = WORK / f"{name}.shared", WORK / f"{name}.static"
    run([*compiler, WORK / f"{name}.o", "-o", shared, f"-L{release}", "-lastensor", f"-Wl,-rpath,{release}"], name)
    run([*compiler, WORK / f"{name}.o", "-o", static, release / "libastensor.a", *SYSTEM_LIBRARIES], name)
    return shared, static


def run(command, what):
    """What a command prints; the end of all tests if it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}{done.stderr}{what}: failed with {done.returncode}")
    return done.stdout


def interpreted(pieces, name):
    """What the pieces of a page print, run in their order by the Python that has the package."""
    path = WORK / f"{name}.py"
    path.write_text("".join(f"{piece.text}print({MARK!r}, end='')\n" for piece in pieces))
    return run([os.environ["DOC_PYTHON"], path], str(pieces[0])).split(MARK)


def compare(block, found):
    """Ends all tests if a block does not print what its page says."""
    if found != block.expected:
        sys.exit(f"{block}: the page says\n{block.expected}and the program prints\n{found}")


def main():
    release = pathlib.Path(sys.argv[1]).resolve()
    WORK.mkdir(parents=True, exist_ok=True)
    programs = 0
    for argument in sys.argv[2:]:
        page = pathlib.Path(argument).resolve()
        if page.suffix != ".md":
            language, examples = ("cpp", header_examples) if page.suffix == ".hpp" else ("c", manual_examples)
            for line, source in examples(page):
                for program in compiled(source, language, f"{page.name}_{line}", release):
                    run([program], f"{argument}:{line}")
                programs += 1
            continue
        name = str(page.relative_to(ROOT).with_suffix("")).replace("/", "_")
        there = [block for block in blocks(page) if "no-compile" not in block.words]
        alone = [block for block in there if block.language in LANGUAGES and re.search(r"\bmain\(", block.text)]
        for number, block in enumerate(alone):
            for program in compiled(whole(block), block.language, f"{name}_{number}", release):
                if "no-run" not in block.words:
                    compare(block, run([program], str(block)))
            programs += 1
        for language in LANGUAGES:
            pieces = [block for block in there if block not in alone and block.language == language]
            if not pieces:
                continue
            for program in compiled(joined(pieces), language, f"{name}_{language}", release):
                if any("no-run" in piece.words for piece in pieces):
                    continue
                printed = run([program], str(page)).split(MARK)
                for piece, found in zip(pieces, printed):
                    compare(piece, found)
            programs += 1
        pieces = [block for block in there if block.language == "python"]
        if pieces and "DOC_PYTHON" in os.environ:
            for piece, found in zip(pieces, interpreted(pieces, name)):
                compare(piece, found)
            programs += 1
    if programs == 0:
        sys.exit("the pages have no programs")
    print(f"documentation: {programs} programs print what their pages say")


main()
