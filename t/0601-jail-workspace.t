#!/bin/sh
# The sandbox, seen by commands that want out of it.
. "${0%/*}/lib.sh"

ts-jail --explain >"$WORK/explanation" 2>"$WORK/refusal" ||
	skip_all "this kernel allows no sandbox: $(head -n 1 "$WORK/refusal")"

mkdir -p "$HOME/.ssh" "$XDG_CONFIG_HOME/turnstone" "$XDG_DATA_HOME/turnstone" "$WORK/other"
echo hunter2 >"$HOME/.ssh/id"
echo hunter2 >"$XDG_CONFIG_HOME/turnstone/key"
echo outside >"$WORK/other/file"
git init -q .
echo original >file

# Writing.
ts-jail -- sh -c 'echo changed >file; mkdir -p a/b && echo new >a/b/c'
is "the project is writable" "$(cat file a/b/c)" "changed
new"
must_fail 1 "--read-only: it is not" ts-jail --read-only -- sh -c 'echo x >file2 2>/dev/null || exit 1'
unique=${WORK##*/}.hidden
is "hidden places take what is written" "$(ts-jail -- sh -c 'echo x >"/tmp/$1" && echo x >"$HOME/$1" &&
	echo x >"/run/$1" && cat "/tmp/$1"' sh "$unique")" x
is "which is gone then" "$(ls -d "/tmp/$unique" "$HOME/$unique" "/run/$unique" 2>/dev/null)" ""
must_fail 1 "the rest of the system is read-only" ts-jail -- sh -c \
	'for d in / /etc /usr /var /opt; do touch $d/turnstone-test 2>/dev/null && exit 0; done; exit 1'

# What programs outside would run.
ts-jail -- sh -c 'echo "echo owned" >.git/hooks/pre-commit; echo x >>.git/config
	rm -rf .git/hooks; mv .git/config .git/c; mv .git .git2; mv .git/hooks .git/h
	chmod 777 .git/hooks .turnstone; mkdir .turnstone/x; echo x >.turnstone; rmdir .turnstone
	ln -s a .turnstone; mv a .turnstone' 2>/dev/null
is ".git/hooks, .git/config and .turnstone stay as they are" \
	"$(ls .git/hooks/pre-commit .turnstone .git2 .git/h .git/c 2>/dev/null; git config --get-regexp x; git status -s | grep turnstone)" ""
ok "the rest of the repository is writable" ts-jail -- \
	git -c user.name=T -c user.email=t@example.org commit -q --allow-empty -m inside
mkdir fresh
must_fail 1 "a repository cannot be made where there is none" ts-jail --project fresh -- \
	sh -c 'cd fresh; git init -q . 2>/dev/null; git config core.fsmonitor evil 2>/dev/null
	rm -rf .git 2>/dev/null; mkdir .git 2>/dev/null || exit 1'
is "what held the place is gone" "$(ls -A fresh)" ""
ts-jail --project fresh -- sleep 0.5 &
wait_for 5 test -d fresh/.git
ts-jail --project fresh -- true
is "while another jail runs it stays" "$(ls -A fresh)" ".git
.turnstone"
wait
is "the last one takes it away" "$(ls -A fresh)" ""
mkdir -m 1555 fresh/.git
ts-jail --project fresh -- true
is "and the one that follows a crash" "$(ls -A fresh)" ""
mkdir linked && ln -s ../a linked/.turnstone
must_fail 111 "a protected name that is a link: refused" ts-jail --project linked -- true

# Reading.
is "the home directory is hidden" "$(ts-jail -- sh -c 'ls -A "$HOME"')" ""
is "our own directories are hidden" "$(ts-jail -- sh -c 'cat "$1"' sh \
	"$XDG_CONFIG_HOME/turnstone/key" 2>/dev/null)" ""
is "other programs' temporary files are hidden" "$(ts-jail -- cat "$WORK/other/file" 2>/dev/null)" ""
is "--read opens a path" "$(ts-jail --read "$WORK/other" -- cat "$WORK/other/file")" outside
must_fail 1 "--read does not make it writable" ts-jail --read "$WORK/other" -- sh -c \
	'echo x >>"$1" 2>/dev/null || exit 1' sh "$WORK/other/file"
ts-jail --write "$WORK/other" -- sh -c 'echo written >"$1"' sh "$WORK/other/file"
is "--write does" "$(cat "$WORK/other/file")" written
is "--read of the home leaves our directories hidden" "$(ts-jail --read "$HOME" -- sh -c \
	'cat "$HOME/.ssh/id"; cat "$1"' sh "$XDG_CONFIG_HOME/turnstone/key" 2>/dev/null)" hunter2

# Processes.
ok "others cannot be seen" ts-jail -- sh -c 'set -- /proc/[0-9]*; test $# -lt 6'
SECRET=hunter2 ts-jail -- sh -c 'cat /proc/[0-9]*/environ' >environs 2>/dev/null
is "nor can the environment of any" "$(grep -ac hunter2 environs)" 0
background sleep 60
must_fail 1 "nor can they be signalled" ts-jail -- sh -c 'kill -9 "$1" 2>/dev/null || exit 1' sh "$pid"
ok "and they live on" kill -0 "$pid"
is "no capabilities" "$(ts-jail -- sed -n 's/^Cap[A-Za-z]*:[^0-9]*//p' /proc/self/status | sort -u)" \
	0000000000000000
must_fail 1 "what hides cannot be unmounted" ts-jail -- sh -c 'umount /tmp 2>/dev/null || exit 1'

# Network.
is "no network but an empty one" "$(ts-jail -- sed 1,2d /proc/net/dev | sed 's/:.*//; s/ //g')" lo
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die;
	$| = 1; print $s->sockport, "\n"; sleep 30' >port &
listener=$!
wait_for 5 test -s port
connect='exec 3<>"/dev/tcp/127.0.0.1/$1"'
must_fail 1 "127.0.0.1 is not this machine's" ts-jail -- bash -c "($connect) 2>/dev/null || exit 1" bash "$(cat port)"
ok "--network: it is" ts-jail --network -- bash -c "$connect" bash "$(cat port)"
kill "$listener"

# Devices.
is "devices are few" "$(ts-jail -- sh -c 'ls /dev/sd* /dev/vd* /dev/nvme* /dev/mem /dev/kmsg 2>/dev/null')" ""
must_fail 1 "and no others can be made" ts-jail -- sh -c 'mknod /tmp/null c 1 3 2>/dev/null && cat /tmp/null || exit 1'

# Refused projects.
must_fail 111 "the project is /" ts-jail --project / -- true
must_fail 111 "the project is the home directory" ts-jail --project "$HOME" -- true
must_fail 111 "the project contains the home directory" ts-jail --project "$WORK" -- true
must_fail 111 "the project is one of ours" ts-jail --project "$XDG_DATA_HOME/turnstone" -- true
mkdir -p "$WORK/elsewhere/turnstone"
must_fail 111 "the project contains one of ours" \
	env XDG_DATA_HOME="$WORK/elsewhere" ts-jail --project "$WORK/elsewhere" -- true
must_fail 111 "a writable path is refused for the same reasons" ts-jail --write "$HOME" -- true
like "and it is said why" "$(ts-jail --project "$HOME" -- true 2>&1)" "is your home directory"
must_fail 111 "there is no such project" ts-jail --project nowhere -- true

# Exit codes come through.
must_fail 7 "the command's exit code" ts-jail -- sh -c 'exit 7'
must_fail 127 "a command that is not there" ts-jail -- no-such-command
must_fail 139 "a command that crashed" ts-jail -- sh -c 'kill -SEGV $$'
is "its stderr is its own" "$(ts-jail -- sh -c 'echo words >&2' 2>&1)" words

explanation=$(cat "$WORK/explanation")
like "--explain: the project" "$explanation" "^writable +$WORK/project"
like "--explain: what is hidden" "$explanation" '^(hidden|made) +.*home'
like "--explain: the network" "$explanation" '^network +none'
like "--explain: the limits" "$explanation" '^limit +memory'
like "--explain: the kernel" "$explanation" '^kernel +allows'

# As another user: what root may do is no proof.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	mkdir "$WORK/user" "$WORK/user/home" "$WORK/user/project"
	chmod 755 "$WORK" && chown -R 12345:12345 "$WORK/user"
	cd "$WORK/user/project" || exit 1
	as_user() {
		setpriv --reuid 12345 --regid 12345 --clear-groups \
			env HOME="$WORK/user/home" XDG_RUNTIME_DIR="$WORK/user/run" "$@"
	}
	if as_user ts-jail --explain >/dev/null 2>&1; then
		is "a normal user has a sandbox too" "$(as_user ts-jail -- sh -c 'echo x >file; id -u; ls -A "$HOME"')" 12345
		ok "and its limit of processes holds against a fork bomb" sh -c '[ "$1" = 124 ]' sh \
			"$(as_user ts-jail --timeout 1 --processes 40 -- bash -c ':(){ :|:& };:; sleep 20' >/dev/null 2>&1; echo $?)"
		is "of which nothing is left" "$(find /proc -maxdepth 1 -user 12345 2>/dev/null |
			while read -r process; do grep -sq '^State:	Z' "$process/status" || echo "$process"; done)" ""
	else
		skip "a normal user has a sandbox too" "this kernel allows it to root alone"
	fi
fi

done_testing
