#include "agent/shell_split.h"
#include "base/buffer.h"

#include <stdarg.h>
#include <stdlib.h>

#include "tap.h"

/* The simple commands with " | " between them, a '~' before what is uncertain; "-": refused. */
static char *split(const char *text)
{
    struct shell_commands commands;
    struct error error;
    struct buffer buffer;
    buffer_init(&buffer, 1 << 20);
    if (shell_split(text, &commands, &error) < 0) {
        buffer_append_byte(&buffer, '-');
        return buffer_take(&buffer);
    }
    for (size_t i = 0; i < commands.count; i++) {
        const struct shell_command *command = &commands.items[i];
        if (i > 0)
            buffer_append_text(&buffer, " | ");
        buffer_append(&buffer, command->text, command->literal);
        if (command->text[command->literal] != '\0')
            buffer_append_byte(&buffer, '~');
        buffer_append_text(&buffer, command->text + command->literal);
    }
    shell_commands_release(&commands);
    if (buffer.length == 0)
        buffer_append_text(&buffer, "nothing");
    return buffer_take(&buffer);
}

static void check(const char *text, const char *wanted)
{
    char *got = split(text);
    is_text(got, wanted, text);
    free(got);
}

static void test_lists(void)
{
    check("ls", "ls");
    check("", "nothing");
    check("# only a comment", "nothing");
    check("a; b && c || d | e |& f & g", "a | b | c | d | e | f | g");
    check("a\nb\n\n# c\nd # e", "a | b | d");
    check("a \\\n b", "a b");
    check("(a; b)", "a | b");
    check("{ a; b; } 2>&1", "a | b");
    check("! a; time b", "a | b");
    check("A=1 B=2 c d", "A=1 B=2 c d");
    check("A=1", "A=1");
}

static void test_words(void)
{
    check("x 'a b'\"c d\"e", "x a bc de");
    check("r''m x", "rm x");
    check("\\rm x", "rm x");
    check("echo a#b", "echo a#b");
    check("echo \"a;b|c\" 'd&e'", "echo a;b|c d&e");
    check("echo \"a\\\"b\"", "echo a\"b");
    check("echo $x y", "echo ~$x y");
    check("echo \"$x\" *.c ~/x {a,b} {} HEAD~1", "echo ~$x *.c ~/x {a,b} {} HEAD~1");
    check("git show HEAD~1 {}", "git show HEAD~1 {}");
    check("echo $'a\\'b'", "echo ~$'a\\'b'");
    check("grep 'a$' b", "grep a$ b");
}

static void test_compound(void)
{
    check("if a; then b; elif c; then d; else e; fi", "a | b | c | d | e");
    check("for i in 1 2; do a $i; done", "a ~$i");
    check("for i in $(a); do b; done", "a | b");
    check("while a; do b; done < in", "a | b | < in");
    check("until a\ndo b\ndone", "a | b");
    check("case $x in a|b) c;; (d) e;; *) f; esac", "c | e | f");
    check("f() { rm x; }; f", "rm x | f");
    check("function f { rm x; }", "rm x");
    check("[[ -f x && $(rm y) ]] && z", "rm y | [[ -f x ~$(rm y) ]] | z");
    check("[ -f x ] && y", "[ -f x ] | y");
}

static void test_substitutions(void)
{
    check("a $(b $(c))", "c | b ~$(c) | a ~$(b $(c))");
    check("a `b`", "b | a ~`b`");
    check("a \"x $(b) y\"", "b | a x ~$(b) y");
    check("a <(b) >(c)", "b | c | a ~<(b) >(c)");
    check("a ${x:-$(b)}", "b | a ~${x:-$(b)}");
    check("a $((1 + 2))", "a ~$((1 + 2))");
    check("a '$(b)'", "a $(b)");
    check("a=$(b)", "b | a=~$(b)");
    check("a $(case x in x) b;; esac)", "b | a ~$(case x in x) b;; esac)");
    check("sh -c 'a; b'", "sh -c a; b | a | b");
    check("bash -ec 'a'", "bash -ec a | a");
    check("eval a 'b; c'", "eval a b; c | a b | c");
    check("trap 'a' EXIT", "trap a EXIT | a");
}

static void test_redirections(void)
{
    check("a > b", "> b | a");
    check("a >> b 2>&1 </dev/null >/dev/null", "> b | a");
    check("a < b", "< b | a");
    check("a &> b", "> b | a");
    check("> b", "> b");
    check("a 2>$x", "> ~$x | a");
    check("cat <<E\n$(a)\nE\nb", "cat | a | b");
    check("cat <<'E'\n$(a)\nE\nb", "cat | b");
    check("cat <<-E | c\n\tx\n\tE\nb", "cat | c | b");
    check("cat <<A <<B\n1\nA\n`b`\nB\n", "cat | b");
    check("cat <<< \"$(a)\"", "a | cat");
    check("{a,b}>x", "-");
}

static void test_refused(void)
{
    check("a '", "-");
    check("a \"", "-");
    check("a \\", "-");
    check("a `b", "-");
    check("a $(b", "-");
    check("(a", "-");
    check("a)", "-");
    check("a;;", "-");
    check("if a; then b", "-");
    check("done", "-");
    check("$a b", "-");
    check("$(a) b", "-");
    check("{rm,x}", "-");
    check("*", "-");
    check("a[0]=x rm y", "-");
    check("a=(b c)", "-");
    check("((a))", "-");
    check("a $((b); c)", "-");
    check("a $[1]", "-");
    check("coproc a", "-");
    check("cat <<E\nx", "-");
    check("cat <<E\nx\\\nE\nE\n", "-");
    check("a \x01", "-");
    check("a\rb", "-");
    check("a \xff", "-");
    check("eval $x", "-");
    check("sh -c \"$x\"", "-");
    check("a ${x@P}", "-");
    check("> ", "-");
    check("| a", "-");
}

static void test_limits(void)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    for (int i = 0; i < 30000; i++)
        buffer_append_text(&text, "$(");
    char *got = split(text.data);
    is_text(got, "-", "30,000 substitutions inside each other are refused");
    free(got);
    buffer_clear(&text);
    for (int i = 0; i < 70000; i++)
        buffer_append_byte(&text, 'a');
    got = split(text.data);
    is_text(got, "-", "a text of 70,000 bytes is refused");
    free(got);
    buffer_clear(&text);
    for (int i = 0; i < 600; i++)
        buffer_append_text(&text, "a;");
    got = split(text.data);
    is_text(got, "-", "600 commands are refused");
    free(got);
    buffer_release(&text);
}

/* Words that bash expands or evaluates once more, and what only looks like the end of something. */
static void test_evaluated(void)
{
    check("echo $((1 + 2)) ${x} ${x:-y} ${#x} ${x%.c} ${x:0:2} $#", "echo ~$((1 + 2)) ${x} ${x:-y} "
                                                                    "${#x} ${x%.c} ${x:0:2} $#");
    check("echo $((x))", "-");
    check("echo $((_))", "-");
    check("echo $(($x))", "-");
    check("echo ${!x}", "-");
    check("echo ${x:y}", "-");
    check("echo ${x[y]}", "-");
    check("echo ${x:=y}", "-");
    check("echo ${x=y}", "-");
    check("echo ${ rm x; }", "-");
    check("echo ${| rm x; }", "-");
    check("[ -v 'a[$(rm x)]' ]", "-");
    check("test -R x", "-");
    check("[ $x 'a[$(rm x)]' ]", "-");
    check("[ \"$x\" 'a[$(rm x)]' ]", "-");
    check("[ * ]", "-");
    check("[ \"$@\" ]", "-");
    check("[ \"$x\" = y ]", "[ ~$x = y ]");
    check("[[ $x -eq 1 ]]", "-");
    check("[[ -v x ]]", "-");
    check("[[ -e <(rm x) ]]", "rm x | [[ -e ~<(rm x) ]]");
    check("printf -v 'a[$(rm x)]' y", "-");
    check("printf \"$x\"", "-");
    check("printf '%s' \"$x\"", "printf %s ~$x");
    check("builtin printf -vx y", "-");
    check("read 'a[$(rm x)]'", "-");
    check("read x", "read x");
    check("declare -i x", "-");
    check("local -n x", "-");
    check("export A=$x", "export A=~$x");
    check("unset $x", "-");
    check("let x", "-");
    check("command let x", "-");
    check("alias ls=rm", "-");
    check("hash -p ./x ls", "-");
    check("mapfile -C 'rm x' -c 1", "-");
    check("compgen -W '$(rm x)'", "-");
    check("for PATH in .; do ls; done", "-");
    check("select PATH in .; do ls; done", "-");
    check("for i in .; do ls; done", "ls");
    check("for file_1 in .; do ls; done", "ls");
    check("ls {PATH}>/dev/null", "-");
    check("cat $(cat <<'E'\nx\nE); rm x; echo $(cat <<'E'\ny\nE\n)", "-");
    check("'ls /x' y", "-");
    check("'' ls", "-");
    check("find -{},delete}", "find -~{},delete}");
    check("find . -exec x {} +", "find . -exec x {} +");
    check("echo \xE2\x80\x98; { }; ls '$(rm x)' \xE2\x80\x99", "-");
    check("echo '\xE2\x80\x98'", "echo \xE2\x80\x98");
}

static void test_code(void)
{
    check("find -exec sh -c 'a;b' ;", "find -exec sh -c a;b | a | b");
    check("timeout 5 bash -c 'a&&b'", "timeout 5 bash -c a&&b | a | b");
    check("command eval 'a;b'", "command eval a;b | a | b");
    check("builtin eval 'a;b'", "builtin eval a;b | a | b");
    check("trap -- 'a;b' EXIT", "trap -- a;b EXIT | a | b");
    check("sh -c 'a' name", "sh -c a name | a");
    check("sh -c -- 'a;b'", "-");
    check("sh -c -e 'a;b'", "-");
    check("sh $x 'a;b'", "-");
    check("command -v sh", "command -v sh");
}

int main(void)
{
    test_lists();
    test_words();
    test_compound();
    test_substitutions();
    test_redirections();
    test_refused();
    test_evaluated();
    test_code();
    test_limits();
    return tap_done();
}
