#!/bin/sh
# Ways out of the sandbox that have worked elsewhere. Each command tries to do harm and says
# "escaped" when it could; what it must not reach is looked at from outside.
. "${0%/*}/lib.sh"
need_sandbox

mkdir -p "$HOME/.ssh" "$HOME/.aws" "$XDG_CONFIG_HOME/turnstone" "$XDG_DATA_HOME/turnstone" \
	"$XDG_RUNTIME_DIR/turnstone/approve" "$WORK/other"
for file in "$HOME/.ssh/id_ed25519" "$HOME/.aws/credentials" "$XDG_CONFIG_HOME/turnstone/config.toml" \
	"$XDG_DATA_HOME/turnstone/turnstone.db" "$WORK/other/file"; do
	echo hunter2 >"$file"
done

# try SCRIPT [ARGUMENT...]: what it prints, in a sandbox; bash, for its redirections to sockets.
try() {
	script=$1
	shift
	timeout -s KILL 30 ts-jail --timeout 20 -- bash -c "$script" bash "$@" 2>/dev/null </dev/null
}

# Writing outside.
try 'echo x >"$1/other/new"; echo x >>"$1/other/file"; echo x >../other/new; cd / && echo x >"$1/other/new2"
	ln -s "$1/other" out; echo x >out/new3; mv file "$1/other/"; ln "$1/other/file" linked
	cp /bin/true "$1/other/true"; : >/etc/turnstone-test; : >/usr/bin/turnstone-test' "$WORK"
is "nothing is written outside the project" "$(ls -A "$WORK/other"; cat "$WORK/other/file"; ls /etc/turnstone-test /usr/bin/turnstone-test 2>/dev/null)" \
	"file
hunter2"
rm -f out
ln -s "$WORK/other" out
try 'echo x >>out/file; rm -rf out/*; mv out/file out/gone'
is "nor through a link that stood there" "$(cat "$WORK/other/file")" hunter2
mkdir inside && echo mine >inside/file
try 'rm -rf inside && ln -s "$1/other" inside && echo x >>inside/file' "$WORK"
is "nor through a directory that became a link" "$(cat "$WORK/other/file")" hunter2
rm -rf inside out

# Reading keys.
is "no file with a key can be read" "$(try 'cat ~/.ssh/* ~/.aws/* "$1"/* "$2"/* "$3"/file
	cat /proc/1/root"$3/file" /proc/self/root"$3/file" /proc/1/cwd/../other/file ../other/file
	find / -xdev -path "*/$4/*" "(" -name id_ed25519 -o -name config.toml ")"' \
	"$XDG_CONFIG_HOME/turnstone" "$XDG_DATA_HOME/turnstone" "$WORK/other" "${WORK##*/}")" ""
if [ -e /etc/shadow ] && [ "$(id -u)" != 0 ]; then
	is "nor what this user may not read" "$(try 'cat /etc/shadow')" ""
fi

# Sockets: ours, by which a call could approve itself, and others'.
cat >"$WORK/listen" <<'END'
use Socket; use IO::Socket::UNIX; use IO::Socket::INET;
my @listening;
for my $path (@ARGV) {
	my $name = $path =~ s/^@// ? "\0$path" : $path;
	my $socket; socket($socket, AF_UNIX, SOCK_STREAM, 0) or die;
	bind($socket, pack_sockaddr_un($name)) or die "$path: $!"; listen($socket, 5); push @listening, $socket;
}
my $tcp = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1") or die; push @listening, $tcp;
my $any = IO::Socket::INET->new(Listen => 5, LocalAddr => "0.0.0.0") or die; push @listening, $any;
$| = 1; print $tcp->sockport, " ", $any->sockport, "\n"; sleep 60;
END
cat >connect.pl <<'END'
use Socket;
for my $path (@ARGV) {
	my $name = $path =~ s/^@// ? "\0$path" : $path;
	my $socket; socket($socket, AF_UNIX, SOCK_STREAM, 0) or next;
	print "escaped: $path\n" if connect($socket, pack_sockaddr_un($name));
}
END
abstract=turnstone-test-$$
background perl "$WORK/listen" "$XDG_RUNTIME_DIR/turnstone/approve/x.sock" "$WORK/x.sock" "@$abstract" >ports
ok "somebody listens" wait_for 10 test -s ports
ok "outside all of it can be reached" sh -c 'test "$(perl connect.pl "$@" | wc -l)" = 3' sh \
	"$XDG_RUNTIME_DIR/turnstone/approve/x.sock" "$WORK/x.sock" "@$abstract"
is "no Unix socket can: not ours, not others', not an abstract one" \
	"$(try 'perl connect.pl "$@"' "$XDG_RUNTIME_DIR/turnstone/approve/x.sock" "$WORK/x.sock" "@$abstract")" ""
read -r port any <ports
is "nor 127.0.0.1, by any name, nor another address of this machine" "$(try 'for address in 127.0.0.1 localhost 0.0.0.0 ::1 127.1 "$3"; do
	(exec 3<>"/dev/tcp/$address/$1") && echo "escaped: $address"
	(exec 3<>"/dev/tcp/$address/$2") && echo "escaped: $address"
done' "$port" "$any" "$(hostname -I 2>/dev/null | cut -d ' ' -f 1)")" ""
is "an address cannot be given to it either" "$(try 'ip link set lo up && ip addr add 10.0.0.1/8 dev lo && echo escaped
	echo 1 >/proc/sys/net/ipv4/ip_forward && echo escaped')" ""

# Processes.
background sleep 60
victim=$pid
is "no process outside can be signalled, traced or looked into" "$(try 'kill -0 "$1" && echo escaped
	kill -0 "$2" && echo escaped
	cat "/proc/$1/environ" && echo escaped
	perl -e "exit(syscall(101, 16, \$ARGV[0], 0, 0) != 0)" "$1" && test "$(uname -m)" = x86_64 && echo escaped' "$victim" $$)" ""
is "its parent is not to be traced, nor is its memory" "$(try 'parent=$PPID
	while [ "$parent" -gt 0 ]; do
		(: <"/proc/$parent/mem") && (head -c 1 "/proc/$parent/mem") && echo "escaped: $parent"
		ls "/proc/$parent/root/" | grep -q . && grep -sq hunter2 "/proc/$parent/root$1/other/file" && echo escaped
		parent=$(sed -n "s/^PPid:[^0-9]*//p" "/proc/$parent/status")
	done' "$WORK")" ""
is "only its own are seen" "$(try 'ls -d /proc/[0-9]* | wc -l' | sed 's/^[1-5]$/few/')" few
ok "and the victim lives" kill -0 "$victim"
is "real-time priority and other machines' clocks are not for it" "$(try 'chrt -f 10 true && echo escaped
	date -s 2001-01-01 && echo escaped; hostname evil-host && echo escaped; reboot -f && echo escaped
	dmesg -c >/dev/null && echo escaped; swapoff /dev/null && echo escaped' | grep -v '^[A-Z]')" ""

# The kernel.
is "nothing in /proc/sys, /sys or on devices can be written" "$(try 'for file in /proc/sys/kernel/core_pattern \
	/proc/sys/kernel/modprobe /proc/sys/vm/drop_caches /proc/sysrq-trigger /proc/irq/default_smp_affinity \
	/sys/kernel/uevent_helper /sys/power/state /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/notify_on_release \
	/dev/kmsg /dev/mem /dev/fuse; do
	(echo x >"$file") && echo "escaped: $file"
done; find /proc/sys /sys -writable -type f 2>/dev/null | head -n 3')" ""
is "nothing can be mounted or unmounted" "$(try 'mount -t tmpfs none /mnt && echo escaped
	mount --bind / /mnt && echo escaped; mount -o remount,rw / && echo escaped
	umount "$HOME" && echo escaped; umount -l /tmp && echo escaped; chroot / true && echo escaped
	pivot_root . . && echo escaped')" ""
is "a user namespace inside gives none of it back" "$(try 'unshare -Urm bash -c "
	umount ~; umount -l ~; umount -l /tmp; umount -l /run; mount -o remount,rw,bind /; mount -o remount,rw /
	cat ~/.ssh/*; cat \"$1/other/file\"; echo x >>\"$1/other/file\"; touch /etc/turnstone-test && echo escaped
	mount --bind /proc/1/root /mnt && cat \"/mnt$1/other/file\"
	mount -t proc none /proc && cat /proc/$2/environ
	nsenter -t 1 -m cat \"$1/other/file\""' "$WORK" "$victim" | grep -v '^$')" ""
is "and outside all is as it was" "$(cat "$WORK/other/file"; ls /etc/turnstone-test 2>/dev/null)" hunter2
is "no way back through set-uid programs" "$(try 'su -c "echo escaped" root; sudo -n echo escaped; pkexec echo escaped
	cp /bin/bash b && chmod 4755 b && ./b -p -c "grep -q ^CapEff:.*[1-9a-f] /proc/self/status && echo escaped"
	setpriv --inh-caps +sys_admin true && echo escaped' </dev/null)" ""
rm -f b

# Descriptors and terminals.
exec 7<"$WORK/other/file" 8<"$WORK/other"
is "no descriptor of ours is left open" "$(ts-jail -- sh -c 'ls /proc/$$/fd; cat <&7; cat /proc/self/fd/8/file /proc/self/fd/7; cat /dev/fd/8/../other/file' 2>/dev/null | tr '\n' ' ')" "0 1 2 "
exec 7<&- 8<&-
is "what started it is not to be replaced through /proc" "$(try 'for link in /proc/[0-9]*/exe; do
	(echo x >"$link") && echo "escaped: $link"
done')" ""
ok "ts-jail is as it was" ts-jail --profile off -- true
if command -v script >/dev/null && command -v perl >/dev/null; then
	# On a terminal: characters pushed into its input would be read by the shell after us.
	profiles=workspace
	[ "$(id -u)" = 0 ] || profiles='off workspace' # outside, root may do what it likes
	for profile in $profiles; do
		script -qec "ts-jail --profile $profile -- perl -e '
			open(T, \"+<\", \"/dev/tty\") or print \"no terminal of its own\\n\";
			for (\\*STDIN, \\*T) { defined fileno(\$_) and ioctl(\$_, 0x5412, \$x = \"x\") and print \"escaped\\n\" }'" \
			/dev/null </dev/null >"$WORK/tty" 2>&1
		is "$profile: TIOCSTI: it has no terminal to push into" "$(tr -d '\r' <"$WORK/tty" | grep -v '^.D')" "no terminal of its own"
	done
fi

# Using everything up.
is "memory is bounded" "$(timeout -s KILL 60 ts-jail --memory 64 --timeout 30 -- perl -e '$x = "x" x (256 << 20); print "escaped"' 2>/dev/null)" ""
ts-jail --file-size 4 -- sh -c 'head -c 9000000 /dev/zero >big; head -c 9000000 /dev/zero >>big' 2>/dev/null
is "the size of a file is bounded" "$(stat -c %s big)" 4194304
rm -f big
is "so is what goes into memory through /tmp, /run, the home and /dev/shm" "$(try 'df -B1M --output=size /tmp /run "$HOME" /dev/shm | sed 1d | sort -u | tr -d " "')" 1024
is "the number of open files is" "$(try 'ulimit -n')" 1024

explain=$(ts-jail --explain --read-only --memory 64 --timeout 5 2>&1)
for words in "read-only +$WORK/project" 'hidden +/tmp' 'network +none' 'processes +only its own' 'limit +memory of a process: 64 MiB' \
	'limit +after 5 s' 'ended +every process' 'kernel +allows'; do
	like "--explain: $words" "$explain" "^$words"
done

done_testing
