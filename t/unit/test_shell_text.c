/* Shell commands that models write: the guard against typing errors, straight quotes. */
#include "agent/shell_text.h"
#include "tap.h"

#include <stddef.h>

static void check_guard(void)
{
    static const char *const refused[] = {"rm -rf /", "rm  -rf  /", "rm -fr /", "rm -r -f /",
        "rm / -rf", "rm -rf /*", "rm -rf ~", "rm -rf $HOME", "sudo rm -rf /",
        "rm --recursive --force /", "cd x && rm -rf / ; ls", "ls\nrm -rf ~/*\n", "chmod -R 777 /",
        "chmod 777 -R /", "chown -R me /", "mv / /x", "mkfs.ext4 /dev/sda1",
        "dd if=/dev/zero of=/dev/nvme0n1", "echo x > /dev/sda", "cat f >/dev/sdb",
        ":(){ :|:& };:", " :(){:|:&};: "};
    static const char *const passed[] = {"rm -rf /tmp/x", "rm -rf ./", "echo 'rm -rf /'",
        "echo \"x; rm -rf /; y\"", "echo shutdown", "grep halt f", "chown -R me .",
        "cat >f <<EOF\nrm -rf /\nEOF", "# rm -rf /", "ls # x; rm -rf /", "echo rm\\ -rf\\ /",
        "rm /", "rm -f /tmp/*", "mv /a /", "dd if=a of=b", "git rm -r x", "chmod -R 755 dir",
        "echo 'a\n'; rm -rf x", "echo x >/dev/null", "printf '%s' '`rm -rf /`'", ""};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        ok(shell_text_check(refused[i], NULL) < 0, "refused: %s", refused[i]);
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++)
        ok(shell_text_check(passed[i], NULL) == 0, "passed: case %zu", i);
}

static void check_straight(void)
{
    static const struct {
        const char *given;
        const char *wanted;
        int replaced;
    } cases[] = {
        {"echo a", "echo a", 0},
        {"echo “a b”", "echo \"a b\"", 1},
        {"echo ‘a’", "echo 'a'", 1},
        {"ls –l", "ls -l", 1},
        {"echo 'it’s'", "echo 'it’s'", 0},
        {"echo \"“quoted”\"", "echo \"“quoted”\"", 0},
        {"echo “it's”", "echo \"it's\"", 1},
        {"echo “it’s”", "echo \"it’s\"", 1},
        {"echo \\“", "echo \\\"", 1},
        {"echo 'a' “b”", "echo 'a' \"b\"", 1},
        {"\xE2\x80", "\xE2\x80", 0},
        {"\\", "\\", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer text;
        buffer_init(&text, 1000);
        is_number(shell_text_straighten(cases[i].given, &text), cases[i].replaced, "replaced");
        is_text(text.data, cases[i].wanted, cases[i].given);
        buffer_release(&text);
    }
}

int main(void)
{
    struct buffer word;
    check_guard();
    check_straight();
    buffer_init(&word, 100);
    shell_text_quote("a'b c", &word);
    is_text(word.data, "'a'\\''b c'", "one word");
    buffer_release(&word);
    return tap_done();
}
