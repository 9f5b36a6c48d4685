# SPDX-License-Identifier: MIT
"""Reads the public header: its functions and the contracts in the comments above them.

For tools/lint-docs and tools/man.
A contract opens with a text; lines that begin with a label of LABELS follow. Short ones may share a line.
"""

import re

LABELS = "Needs,Takes,Gives,Returns,Order,Blocks,Allocates,Callbacks,On misuse,See,Since".split(",")
LABEL = re.compile(r"^([A-Z][a-z]+(?: [a-z]+)?):\s+(?=\S)")
SHARED_LINE = re.compile(r"\s{2,}(?=[A-Z][a-z]+(?: [a-z]+)?:\s)")


def blocks(lines):
    """Yields (line number, kind, text); kind is comment, code, blank or preprocessor."""
    i = 0
    while i < len(lines):
        start, line = i, lines[i]
        if line.lstrip().startswith("/*"):
            kind = "comment"
            while "*/" not in lines[i]:
                i += 1
        elif not line.strip():
            kind = "blank"
        elif line.lstrip().startswith("#"):
            kind = "preprocessor"
            while lines[i].endswith("\\"):
                i += 1
        else:
            kind = "code"
            while not line.startswith('extern "C"') and i + 1 < len(lines):
                so_far = re.sub(r"/\*.*?\*/", "", "\n".join(lines[start : i + 1]), flags=re.S)
                if so_far.count("{") == so_far.count("}") and re.search(r"[;}]\s*$", so_far):
                    break
                i += 1
        yield start + 1, kind, "\n".join(lines[start : i + 1])
        i += 1


def comment_lines(comment):
    """The lines of a comment without its signs and margin; empty ones are kept."""
    body = re.sub(r"^\s*/\*+|\*/\s*$", "", comment)
    return [re.sub(r"^\s*\*(?: |$)|^ ", "", line).rstrip() for line in body.split("\n")]


class Contract:
    """`opening` and each of `parts` are lists of lines; `found` has the labels as they came, `unknown` what is none."""

    def __init__(self, comment):
        self.text = comment
        self.opening, self.parts, self.found, self.unknown = [], {}, [], []
        now = self.opening
        for line in comment_lines(comment):
            for part in SHARED_LINE.split(line):
                label = LABEL.match(part)
                if label and label[1] in LABELS:
                    self.found.append(label[1])
                    now = self.parts.setdefault(label[1], [])
                    part = part[label.end() :]
                elif label and re.match(r"^[A-Z][a-z ]+:\s{2,}", part):
                    self.unknown.append(label[1])
                now.append(part if now is self.opening else part.strip())
        while self.opening and not self.opening[0].strip():
            self.opening.pop(0)
        refers = re.search(r"\bSee (wr_\w+)", comment)
        self.refers = refers[1] if refers else None  # the function whose contract holds here too

    def flat(self):
        return " ".join(" ".join(comment_lines(self.text)).split())

    def part(self, label):
        return " ".join(line for line in self.parts.get(label, []) if line)


class Function:
    def __init__(self, line, section, code, contract):
        self.line, self.section, self.contract = line, section, contract
        self.exported = code.startswith("WR_API")
        # Attributes may take arguments; what is left without them begins the function's own.
        bare = re.sub(r"__attribute__\s*\(\(.*?\)\)|\bWR_(?!API)[A-Z_0-9]+(\([^()]*\))?", "", code)
        self.must_use = "WR_MUST_USE" in code
        declared = re.search(r"^(?:WR_API|static inline)\b([^(;=]*?)\b(wr_\w+)\(", bare)
        self.name = declared[2] if declared else None
        if declared:
            self.returns = declared[1].strip()
            rest = bare[declared.end() :].split("{")[0]
            self.parameters = re.sub(r"\s+", " ", rest[: rest.rindex(")")]).strip()


def declarations(path):
    """Yields (line, Function or None, code): None for code that declares no public function."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    above, section = None, ""
    for line, kind, text in blocks(lines):
        if kind == "comment":
            title = re.fullmatch(r"/\* ---- (.*) ---- \*/", text.strip())
            section = title[1] if title else section
            above = Contract(text)
        elif kind == "blank":
            above = None
        elif kind == "code":
            function = Function(line, section, text, above)
            yield line, function if function.name else None, text


def functions(path):
    return [function for _, function, _ in declarations(path) if function]
