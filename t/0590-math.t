#!/bin/sh
# math: what is evaluated, what is printed, and what it says when something is wrong.
. "${0%/*}/lib.sh"

for python in /usr/bin/python3 /usr/local/bin/python3 /bin/python3 ''; do
	[ -n "$python" ] && [ -x "$python" ] && break
done
[ -n "$python" ] || skip_all "there is no python3"
has() { "$python" -I -c "import $1" 2>/dev/null; }

tool=$BUILD/libexec/turnstone/tools/math
# math CODE: output, errors, exit code when it is not 0.
math() {
	jq -cn --arg code "$1" '{code: $code}' | "$tool" run >"$WORK/out" 2>"$WORK/err"
	code=$?
	cat "$WORK/out" "$WORK/err"
	[ "$code" -eq 0 ] || echo "exit $code"
}

# The last expression (T-41).
is "the value of an expression" "$(math '6*7')" 42
is "semicolons" "$(math 'x=1;y=2;x+y')" 3
is "a comment behind it" "$(math '1+1 # two, not print(3)')" 2
is "a comment with print( in it" "$(math '# print(1)
a = 3
a**2')" 9
is "over several lines" "$(math 'sum([
	1,
	2,
])')" 3
is "a text as it is" "$(math '"a\nb"')" "a
b"
is "what is printed, then the value" "$(math 'print("one")
2')" "one
2"
is "a printed line is no value" "$(math 'print(5)')" 5
is "the variable result" "$(math 'result = 2**10')" 1024
is "behind what was printed" "$(math 'print("see")
result = 7')" "see
result = 7"
is "once only" "$(math 'result = 7
result')" 7
is "an attribute called result is none" "$(math 'class C: pass
my = C()
my.result = 3
my.result + 1')" 4
is "nothing" "$(math 'x = 1')" "(nothing was printed, and the last line is no expression with a value)"
is "a loop at the end" "$(math 'for i in range(3): print(i)')" "0
1
2"
is "text of any language" "$(math 'print("zażółć", "\N{SNOWMAN}")')" "zażółć ☃"
is "a lone surrogate is shown, not a fault" "$(math 'print("\ud800")')" '\ud800'

# Names.
is "modules without an import" \
	"$(math 'math.floor(2.5), operator.add(1, 2), re.sub("a", "b", "aa"), string.digits[:2]')" "(2, 3, 'bb', '01')"
is "and classes" "$(math 'Fraction(1, 3) + Fraction(1, 6), Decimal("0.1") * 3')" \
	"(Fraction(1, 2), Decimal('0.3'))"
is "and others" "$(math 'list(itertools.combinations("abc", 2))[0], functools.reduce(lambda a, b: a*b, [1,2,3]), collections.Counter("aab").most_common(1)')" \
	"(('a', 'b'), 6, [('a', 2)])"
is "also in functions and comprehensions" "$(math 'def f(n):
    return math.comb(n, 2)
[f(n) for n in range(4)]')" "[0, 0, 1, 3]"
is "one's own name wins" "$(math 'gamma = 3
def beta(E): return E + gamma
beta(1)')" 4
is "nothing is imported that is not named" "$(math 'import sys
[name for name in ("sympy", "numpy", "fractions", "decimal") if name in sys.modules]')" "[]"
if has sympy; then
	is "sympy's names" "$(math 'x = symbols("x")
solve(x**2 - 2, x), isprime(97), integrate(sin(x), x), factorint(12)')" "([-sqrt(2), sqrt(2)], True, -cos(x), {2: 2, 3: 1})"
	is "its errors show no paths (T-42)" "$(math 'factorint("x")')" 'Traceback (most recent call last):
  File "<code>", line 1, in <module>
    factorint("x")
ValueError: x is not an integer
exit 1'
else
	skip "sympy's names" "sympy is not installed"
	like "a missing library is named, with what to install" "$(math 'sqrt(2)')" \
		"sqrt is sympy's, and sympy is not installed here \(Debian: python3-sympy\); math.sqrt is there"
fi
if has numpy; then
	is "numpy as np" "$(math 'np.arange(4).sum()')" 6
else
	like "numpy is missing, and said (T-42)" "$(math 'np.arange(3)')" "np is numpy's, and numpy is not installed here \(Debian: python3-numpy\)"
	like "also where it is imported" "$(math 'import numpy.linalg')" "numpy is not installed here \(Debian: python3-numpy\)"
fi
unlike "other names get no hint" "$(math 'nowhere')" "install"

# Errors.
is "a trace with the code's lines only (T-42)" "$(math 'def half(n):
    return n / 0
half(1)' | grep -v '\^')" 'Traceback (most recent call last):
  File "<code>", line 3, in <module>
    half(1)
  File "<code>", line 2, in half
    return n / 0
ZeroDivisionError: division by zero
exit 1'
is "also through a library" "$(math 're.compile("(")' | grep -c 'File "/')" 0
is "what was printed before is there" "$(math 'print("before")
1/0' | sed -n '1p;$p')" "before
exit 1"
like "a syntax error with its line and place" "$(math 'x = 1
y = = 2')" 'File "<code>", line 2.*|SyntaxError: invalid syntax'
like "endless recursion" "$(math 'def f(n): return f(n + 1)
f(0)')" "RecursionError"
like "deeply nested code" "$(math "$(printf '%0500d' 0 | tr 0 '(')1$(printf '%0500d' 0 | tr 0 ')')")" "^exit 1"
like "a NUL in the code" "$(printf '{"code":"1\\u0000+1"}' | "$tool" run 2>&1)" "math: "
is "exit() is no success" "$(math 'exit(3)')" "the code ended itself: exit(3)
exit 1"
is "but an end is" "$(math 'print(1)
exit()')" 1
like "there is no input" "$(math 'input()')" "EOFError"
like "no code" "$(math ' ')" "math: the code is empty"

# Size (T-39, T-40).
is "a large integer" "$(math '2**100000' | wc -c)" 30104
like "one that is too large" "$(math '10**200000')" "100000 digits"
is "more than a pipe holds" "$(math 'print("x" * 300000)' | wc -c)" 300001
like "output without end is ended" "$(math 'while True: print("0123456789" * 100)' | tail -n 2 | head -n 1)" \
	"longer than 1048576 bytes"
like "also for code that catches everything" "$(math 'while True:
    try: print("0123456789" * 100)
    except Exception: pass' | tail -n 2 | head -n 1)" "longer than 1048576 bytes"
like "too much memory" "$(math '[0] * 10**10')" "MemoryError: the code needs more memory"
like "piece by piece" "$(math 'x = []
while True: x.append(bytearray(1 << 24))')" "MemoryError"
is "a thread that goes on does not hold it up" "$(math 'import threading, time
threading.Thread(target=lambda: time.sleep(60)).start()
5')" 5
is "a reader that leaves ends it" "$({ jq -cn '{code: "while True: print(1)"}' | "$tool" run; } 2>&1 >/dev/full)" \
	"the output cannot be written: No space left on device: the code was ended there"

done_testing
