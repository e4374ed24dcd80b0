"""Generated regions in files written by hand."""

BEGIN, END = "BEGIN GENERATED", "END GENERATED"


def replace(text, new):
    """`text` with `new` between the lines that hold the two markers."""
    lines = text.splitlines(keepends=True)
    begin, end = ([i for i, line in enumerate(lines) if marker in line] for marker in (BEGIN, END))
    if len(begin) != 1 or len(end) != 1 or end[0] < begin[0]:
        raise ValueError(f"a file needs one line with {BEGIN!r} and one with {END!r} below it")
    return "".join(lines[: begin[0] + 1]) + new + "".join(lines[end[0]:])


def wrapped(text, width, indent):
    """Words of `text` in lines of at most `width` characters that begin with `indent`."""
    lines, line = [], indent
    for word in text.split():
        if len(line) + len(word) + (line != indent) > width and line != indent:
            lines.append(line)
            line = indent
        line += word if line == indent else " " + word
    return "".join(f"{line}\n" for line in [*lines, line])
