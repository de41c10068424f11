#!/bin/sh
# math in a conversation: what the code can do to the machine it runs on, which is nothing (T-38).
. "${0%/*}/lib.sh"

for python in /usr/bin/python3 /usr/local/bin/python3 /bin/python3 ''; do
	[ -n "$python" ] && [ -x "$python" ] && break
done
[ -n "$python" ] || skip_all "there is no python3"

# results SECONDS CODE...: one result line for each, as a call that nobody saw.
results() {
	seconds=$1
	shift
	jq -cn --argjson seconds "$seconds" '{type: "decided", batch_id: "b", items: [$ARGS.positional | to_entries[] |
		{call_id: "\(.key)", func_name: "math", arguments: {code: .value}, decision: "allow", timeout: $seconds}]}' \
		--args "$@" | timeout -s KILL 60 ts-tool-exec | jq -c 'select(.type == "tool_result")'
}
output() { results 30 "$@" | jq -r .output; }

echo secret >"$HOME/key"
echo mine >notes
is "it computes" "$(output '6*7')" 42

# With and without the sandbox: the filter of system calls.
refused='PermissionError: \[Errno 1\]'
like "no process through random" "$(output 'random._os.system("touch done"); random._os.posix_spawn("/bin/true", ["true"], {})')" "$refused|OSError"
like "nor through posix" "$(output 'import posix; posix.fork()')" "$refused"
like "nor subprocess" "$(output 'import subprocess; subprocess.run(["touch", "done"])')" "$refused"
like "nor with ctypes" "$(output 'import ctypes; libc = ctypes.CDLL(None, use_errno=True)
libc.fork(), ctypes.get_errno()')" '^\(-1, 1\)$'
like "nor by the bare call" "$(output 'import ctypes; libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(57 if __import__("os").uname().machine == "x86_64" else 220, 17, 0, 0, 0, 0), ctypes.get_errno()')" '^\(-1, 1\)$'
like "no fork bomb" "$(output 'import os
while True: os.fork()')" "$refused"
like "no socket" "$(output 'import socket; socket.create_connection(("127.0.0.1", 1))')" "$refused"
like "nor a local one" "$(output 'import socket; socket.socket(socket.AF_UNIX)')" "$refused"
like "no file is written" "$(output 'open("notes", "w")')" "$refused|Read-only"
like "none made" "$(output 'import os; os.open("done", os.O_CREAT | os.O_RDONLY)')" "$refused|Read-only"
like "none removed" "$(output 'import os; os.unlink("notes")')" "$refused|Read-only"
like "none renamed" "$(output 'import os; os.rename("notes", "done")')" "$refused|Read-only"
like "no link" "$(output 'import os; os.symlink("notes", "done")')" "$refused|Read-only"
like "nobody is signalled" "$(output 'import os; os.kill(os.getppid(), 9)')" "$refused"
like "nobody is traced" "$(output 'import ctypes; libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace(16, __import__("os").getppid(), 0, 0), ctypes.get_errno()')" '^\(-1, 1\)$'
is "nothing has happened" "$(ls) $(cat notes)" "notes mine"
is "threads are allowed" "$(output 'import threading
t = threading.Thread(target=lambda: print(5)); t.start(); t.join()')" 5
is "becoming another program gains nothing" "$(output 'import os
os.execv("/bin/sh", ["sh", "-c", "echo shell; echo x >done"])' | sed -n '1p;$p' | tr '\n' ' '; ls)" \
	"shell [exit code: 2] notes"

if [ "$sandbox" = yes ]; then
	like "files of the user are not there" "$(output "open('$HOME/key').read()")" "FileNotFoundError"
	like "nor the environment" "$(SECRET=yes output 'import os; sorted(os.environ)')" "^\['LC_ALL', 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'PATH'\]$"
	is "nor other processes" "$(output 'import os; len([p for p in os.listdir("/proc") if p.isdigit()]) < 8')" True
fi
# The sandbox is there whoever saw the call, and without one nothing is run.
seen() { # seen MODE DIRECTORY: a call that a person saw
	jq -cn '{type: "decided", batch_id: "b", items: [{call_id: "c", func_name: "math", arguments: {code: "6*7"},
		decision: "allow", seen: true}]}' | (cd "$2" && timeout -s KILL 60 ts-tool-exec --sandbox "$1") |
		jq -r 'select(.type == "tool_result") | "\(.sandbox) \(.status): \(.output)"'
}
if [ "$sandbox" = yes ]; then
	like "a call that a person saw is jailed" "$(seen auto .)" "^[a-z]+ ok: 42$"
	unlike "and not only in name" "$(seen auto .)" "^off"
	like "no sandbox, no answer (auto)" "$(seen auto "$HOME")" "error: It was not run: "
	like "no sandbox, no answer (always)" "$(seen always "$HOME")" "error: It was not run: "
fi
is "only who says 'off' in words does without" "$(seen off "$HOME")" "off ok: 42"

is "a loop without end is ended, and what it printed is there" \
	"$(results 1 'print("so far", flush=True)
while True: pass' | jq -r '.status + ": " + (.output | split("\n")[0])')" "timeout: so far"
is "several at once" "$(output 1 2 3 4 5 | sort | tr '\n' ' ')" "1 2 3 4 5 "

# In a conversation, asking nobody.
cat >"$WORK/script" <<'END'
{"match":{"role":"user"},"tool_calls":[{"name":"math","id":"m","arguments":{"code":"x = 2**61 - 1\nx"}}]}
{"match":{"role":"tool"},"content":"It is {{last_tool_result}}."}
END
start_mock --script "$WORK/script"
is "in a conversation, asking nobody" "$(setsid -w ts-chat --no-stdin compute | jq -r 'select(.type == "result").text')" \
	"It is 2305843009213693951."

done_testing
