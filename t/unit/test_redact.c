/* What is taken out of a text, and what must stay. */
#include "agent/redact.h"
#include "data/json.h"
#include "tap.h"

static struct redactor redactor;

static void becomes(const char *text, const char *wanted, const char *name)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    redact_append(&redactor, text, strlen(text), &out);
    is_text(out.data, wanted, name);
    buffer_release(&out);
}

static void stays(const char *text)
{
    becomes(text, text, text);
}

static void looks(void)
{
    becomes("key sk-abcDEF0123456789xyz.", "key sk-[redacted].", "an OpenAI key");
    becomes("ghp_0123456789abcdefghij0123456789abcdef", "ghp_[redacted]", "a GitHub token");
    becomes("(AKIAIOSFODNN7EXAMPLE)", "(AKIA[redacted])", "an AWS key");
    becomes("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_x", "eyJ[redacted]", "a JWT");
    becomes("-H 'Authorization: Bearer abc.def'", "-H 'Authorization: [redacted]'", "a header");
    becomes("use bearer 0123456789 here", "use bearer [redacted] here", "a bearer token");
    becomes("git clone https://me:hunter2@host/x.git", "git clone https://[redacted]@host/x.git",
        "a URL with a password");
    becomes("redis://:a@b@h:1/0", "redis://[redacted]@h:1/0", "an at sign in it");
    becomes("password=hunter2 ls", "password=[redacted] ls", "an assignment");
    becomes("export DB_PASSWORD='hunter 2'; ls", "export DB_PASSWORD='[redacted] 2'; ls",
        "a quoted one up to its first blank");
    becomes("AWS_SECRET_ACCESS_KEY=\"x/y+z\"", "AWS_SECRET_ACCESS_KEY=\"[redacted]\"",
        "a name with more behind the word");
    becomes("{\"api_key\": \"abc\", \"n\": 1}", "{\"api_key\": \"[redacted]\", \"n\": 1}", "JSON");
    becomes("{\\\"token\\\":\\\"abc\\\"}", "{\\\"token\\\":\\\"[redacted]\"}", "JSON in JSON");
    becomes("mysql --password hunter2 db", "mysql --password [redacted] db", "an option");
    becomes("?token=abc&x=1", "?token=[redacted]&x=1", "a query");
    becomes("a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb",
        "a\n-----BEGIN RSA PRIVATE KEY-----[redacted]-----END RSA PRIVATE KEY-----\nb", "PEM");
    becomes("-----BEGIN PRIVATE KEY-----\nMIIE", "-----BEGIN PRIVATE KEY-----[redacted]",
        "PEM that is cut off");
    becomes("known: my-own-s3cret!", "known: [redacted]!", "a value that we hold");
    becomes("my-own-s3cretmy-own-s3cret", "[redacted][redacted]", "twice");
}

static void ordinary(void)
{
    static const char *const texts[] = {"", "ls -l /tmp", "grep -r password .", "echo $TOKEN",
        "curl -H \"Authorization: $AUTH\"", "token=$TOKEN make", "the task-force sk-1",
        "https://example.org/a@b", "http://[::1]:80/x", "-----BEGIN CERTIFICATE-----\nMIIE",
        "cat secrets.txt", "password=", "://@x", "my-own-s3cre", "tokenize words",
        "\xE2\x82\xAC sk-"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        stays(texts[i]);
}

static void trees(void)
{
    static const char text[] = "{\"command\":\"curl -u x https://u:p@h\",\"password\":\"short\","
                               "\"list\":[\"sk-0123456789abcdef\",1,{\"token\":\"t\"}],\"n\":2}";
    struct buffer out;
    cJSON *tree = json_parse(text, sizeof text - 1, NULL);
    buffer_init(&out, 1 << 16);
    ok(redact_tree(&redactor, tree) == 0, "a tree");
    json_append(&out, tree);
    is_text(out.data,
        "{\"command\":\"curl -u x https://[redacted]@h\",\"password\":\"[redacted]\","
        "\"list\":[\"sk-[redacted]\",1,{\"token\":\"[redacted]\"}],\"n\":2}",
        "its texts, and members whose name tells");
    buffer_release(&out);
    json_free(tree);
}

int main(void)
{
    char one[] = "OPENAI_API_KEY=my-own-s3cret", two[] = "X_TOKEN=short", three[] = "PATH=/usr/bin",
         four[] = "TURNSTONE_API_KEY_FILE=/etc/password", five[] = "MY_SECRET_COMMAND=pass show x",
         six[] = "NOTHING";
    char *environment[] = {one, two, three, four, five, six, NULL};
    redact_init(&redactor, environment);
    is_number((long long)redactor.count, 1, "what our environment holds, if it is long enough");
    redact_add(&redactor, NULL);
    redact_add(&redactor, "my-own-s3cret");
    is_number((long long)redactor.count, 1, "nothing twice");
    looks();
    ordinary();
    trees();
    redact_release(&redactor);
    return tap_done();
}
