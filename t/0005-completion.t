#!/bin/sh
# Shell completion: made from the option table, so that it offers what --help tells.
. "${0%/*}/lib.sh"

# A program with every kind of option, as far as the completion can see it.
cat >ts-sample <<'END'
#!/bin/sh
printf 'o\toutput\tFILE\twrite to FILE [default: the user'"'"'s terminal]\n'
printf -- '-\tcolour\tWHEN\tauto: on a terminal\nv\tverbose\t-\tsay more\n'
END
chmod +x ts-sample
PATH=$PWD:$PATH

complete_bash() { # complete_bash WORD...: what bash offers for the last one
	bash --norc -c '
		. "$1"; shift
		COMP_WORDS=(ts-sample "$@"); COMP_CWORD=$#
		_ts_sample
		printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "' bash ./sample.bash "$@"
}

"$SOURCE/sh/completion" bash ./ts-sample >sample.bash
: >some-file
is "bash: options" "$(complete_bash -)" "--colour --output --verbose -o -v "
is "bash: the beginning of one" "$(complete_bash --ver)" "--verbose "
is "bash: files where a file belongs" "$(complete_bash --output some)" "some-file "
is "bash: files behind the letter" "$(complete_bash -o some)" "some-file "
is "bash: nothing where a word belongs" "$(complete_bash --colour some)" " "
is "bash: files as operands" "$(complete_bash --verbose some)" "some-file "

"$SOURCE/sh/completion" zsh ./ts-sample >_ts-sample
is "zsh: starts as zsh wants it" "$(head -n 1 _ts-sample)" "#compdef ts-sample"
like "zsh: letter and long name exclude each other" "$(cat _ts-sample)" "'\(-v --verbose\)'\{-v,--verbose\}'\[say more\]'"
like "zsh: files where a file belongs" "$(cat _ts-sample)" ":FILE:_files'"
like "zsh: what is special is quoted" "$(cat _ts-sample)" "write to FILE \\\\\[default\\\\: the user'\\\\''s terminal\\\\\]"
if command -v zsh >/dev/null; then
	ok "zsh: can be read" zsh -n _ts-sample
else
	ok "zsh: can be read (by sh: the quotes are closed)" sh -c 'sed 1d _ts-sample | sed "s/{-\(.\),--\([a-z]*\)}/x/" | sh -n'
fi

"$SOURCE/sh/completion" fish ./ts-sample >sample.fish
is "fish: a line each" "$(cat sample.fish)" "complete -c ts-sample -s o -l output -r -F -d 'write to FILE [default: the user\\'s terminal]'
complete -c ts-sample -l colour -x -d 'auto: on a terminal'
complete -c ts-sample -s v -l verbose -d 'say more'"

# A program with commands, as --help lists them.
cat >ts-sample <<'END'
#!/bin/sh
case $1 in
--option-table) printf -- '-\tjson\t-\ta line each\n' ;;
--help) printf 'usage: it\n\nCommands:\n  list            what there is\n  show ID         one\n  ID yes|no       answer\nAn id is short.\n' ;;
esac
END
"$SOURCE/sh/completion" bash ./ts-sample >sample.bash
is "bash: a command comes first" "$(complete_bash '')" "list show "
is "bash: also behind an option" "$(complete_bash --json s)" "show "
is "bash: and once" "$(complete_bash show li)" " "
is "bash: options are offered behind it too" "$(complete_bash show --j)" "--json "
"$SOURCE/sh/completion" zsh ./ts-sample >_ts-sample
like "zsh: commands" "$(cat _ts-sample)" "'1:command:\(list show\)'"
"$SOURCE/sh/completion" fish ./ts-sample >sample.fish
like "fish: commands, with what they do" "$(cat sample.fish)" "^complete -c ts-sample -n __fish_use_subcommand -a list -d 'what there is'$"

must_fail 2 "an unknown shell is refused" "$SOURCE/sh/completion" csh ./ts-sample
must_fail 2 "so is a missing argument" "$SOURCE/sh/completion" bash
must_fail 1 "a program without a table is refused" "$SOURCE/sh/completion" bash /bin/true

for program in "$BUILD"/bin/ts-*; do
	[ -x "$program" ] || continue
	name=${program##*/}
	"$SOURCE/sh/completion" bash "$program" >real.bash
	ok "$name: bash can read its completion" bash -n real.bash
	"$program" --option-table | cut -f 2 | while read -r option; do
		grep -q -e "[ \"]--${option}[ \"]" real.bash || echo "$option"
	done >absent
	is "$name: it offers every option" "$(cat absent)" ""
	case $name in
	ts-approve | ts-config | ts-mcp | ts-memory | ts-session)
		like "$name: and its commands" "$(cat real.bash)" 'compgen -W "([a-z-]+ )*(list|show|check)[ "]'
		;;
	esac
done

done_testing
