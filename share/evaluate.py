"""Evaluate the Python code on stdin, for the tool math (turnstone-tools(7)).

The value of the last expression is printed, or the variable `result`. Well-known
names are there without an import, and cost nothing until they are used. Nothing
in here protects anything: that is done by what starts this.
"""

import ast
import io
import os
import sys
import symtable

CODE = "<code>"
OUTPUT_LIMIT = 1 << 20  # bytes: a model reads far less, and an endless loop ends here
DIGITS_LIMIT = 100_000  # of one integer as text: what takes longer is an accident

MODULES = "collections decimal fractions functools itertools math operator random re string"
SYMPY = """
    symbols Symbol solve simplify expand factor Eq sqrt Rational pi E I oo sin cos tan exp log
    factorial binomial gcd lcm prime isprime factorint divisors totient mod_inverse Matrix
    integrate diff limit series Sum Product floor ceiling Abs"""
SPECIAL = "comb perm gamma beta"

# name: (module, attribute); no attribute: the module itself
NAMES = {name: (name, None) for name in MODULES.split() + ["sympy", "numpy", "scipy"]}
NAMES.update((name, ("sympy", name)) for name in SYMPY.split())
NAMES.update((name, ("scipy.special", name)) for name in SPECIAL.split())
NAMES.update(
    Decimal=("decimal", "Decimal"),
    Fraction=("fractions", "Fraction"),
    np=("numpy", None),
    optimize=("scipy.optimize", None),
    special=("scipy.special", None),
)

PACKAGES = {name: "python3-" + name for name in ("sympy", "numpy", "scipy", "mpmath")}


class OutputEnded(BaseException):
    """No more can be printed. Not an Exception: code that catches everything is ended too."""


class BoundedOutput(io.RawIOBase):
    """Standard output, up to OUTPUT_LIMIT bytes."""

    def __init__(self):
        self.left = OUTPUT_LIMIT

    def writable(self):
        return True

    def write(self, data):
        if self.left <= 0:
            raise OutputEnded(f"the output is longer than {OUTPUT_LIMIT} bytes")
        try:
            written = os.write(1, bytes(data[: self.left]))
        except OSError as error:
            raise OutputEnded(f"the output cannot be written: {error.strerror}") from None
        self.left -= written
        return written


class InstalledLibraries:
    """Finds what is not in Python itself; only then is it looked for where it is installed."""

    def find_spec(self, name, path=None, target=None):
        sys.meta_path.remove(self)
        import site
        from importlib.machinery import PathFinder

        site.main()
        return PathFinder.find_spec(name, path, target)


def names_used(code):
    """The names that the code uses and does not make itself."""
    top = symtable.symtable(code, CODE, "exec")
    made = {
        symbol.get_name()
        for symbol in top.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    }
    used, tables = set(), [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        used.update(
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_global() and symbol.is_referenced()
        )
    return used - made


def namespace(code):
    """Where the code runs: with those of NAMES in it that it uses and that are installed."""
    from importlib import import_module

    space = {"__name__": "__main__", "exit": sys.exit, "quit": sys.exit}
    for name in names_used(code) & NAMES.keys():
        module, attribute = NAMES[name]
        try:
            found = import_module(module)
        except ImportError:
            continue  # said by hint() when the name is really needed
        space[name] = getattr(found, attribute) if attribute else found
    return space


def run(code):
    """Run the code; print its value."""
    tree = compile(code, CODE, "exec", ast.PyCF_ONLY_AST)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = tree.body.pop().value
    space = namespace(code)
    exec(compile(tree, CODE, "exec"), space)
    value = None
    if last is not None:
        value = eval(compile(ast.Expression(last), CODE, "eval"), space)
    result = space.get("result")
    if value is not None:
        print(value)
    if result is not None and result is not value:
        print(f"result = {result}" if printed() else result)
    if not printed():
        print("(nothing was printed, and the last line is no expression with a value)")


def printed():
    """Whether there is output so far."""
    sys.stdout.flush()
    return sys.stdout.buffer.raw.left < OUTPUT_LIMIT


def hint(error):
    """What helps against an error; empty when nothing is known."""
    name = getattr(error, "name", None)  # Python 3.9 does not tell a NameError's
    if isinstance(error, ModuleNotFoundError):
        module = name or ""
    elif isinstance(error, NameError):
        module, _ = NAMES.get(name, ("", None))
    else:
        return ""
    library = module.partition(".")[0]
    if library not in PACKAGES:
        return ""
    advice = f"{library} is not installed here (Debian: {PACKAGES[library]})"
    if isinstance(error, NameError):
        import math

        advice = f"{name} is {library}'s, and {advice}"
        if hasattr(math, name):
            advice += f"; math.{name} is there"
    return advice + "\n"


def explain(error, code):
    """The error as Python shows it, with the lines of the code and no others."""
    import linecache
    import traceback

    linecache.cache[CODE] = (len(code), None, code.splitlines(True), CODE)
    shown = traceback.TracebackException(type(error), error, error.__traceback__)
    shown.stack[:] = [frame for frame in shown.stack if frame.filename == CODE]
    return "".join(shown.format(chain=False)) + hint(error)


def main():
    code = sys.stdin.buffer.read().decode("utf-8", "replace")
    sys.meta_path.append(InstalledLibraries())
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(BoundedOutput()), encoding="utf-8", errors="backslashreplace"
    )
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(DIGITS_LIMIT)
    complaint = ""
    try:
        try:
            run(code)
        except SystemExit as error:
            if error.code not in (None, 0):
                complaint = f"the code ended itself: exit({error.code!r})\n"
        except MemoryError:
            complaint = "MemoryError: the code needs more memory than it may have\n"
        except Exception as error:
            complaint = explain(error, code)
        sys.stdout.flush()
    except OutputEnded as error:
        complaint = f"{error}: the code was ended there\n"
    sys.stderr.write(complaint)
    sys.stderr.flush()
    os._exit(1 if complaint else 0)  # without waiting for threads of the code


main()
