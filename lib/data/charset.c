#include "data/charset.h"

#include "base/utf8.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

enum {
    PROBE = 1024,  /* bytes in which a page must name its charset (HTML standard) */
    PIECE = 16384, /* bytes converted at once */
};

/* What is written on the web, and what is meant. */
static const struct {
    const char *name, *iconv;
} charsets[] = {
    {"utf-8", "UTF-8"},
    {"utf8", "UTF-8"},
    {"us-ascii", "WINDOWS-1252"},
    {"ascii", "WINDOWS-1252"},
    {"iso-8859-1", "WINDOWS-1252"},
    {"iso8859-1", "WINDOWS-1252"},
    {"latin1", "WINDOWS-1252"},
    {"windows-1252", "WINDOWS-1252"},
    {"cp1252", "WINDOWS-1252"},
    {"iso-8859-2", "ISO-8859-2"},
    {"iso-8859-3", "ISO-8859-3"},
    {"iso-8859-4", "ISO-8859-4"},
    {"iso-8859-5", "ISO-8859-5"},
    {"iso-8859-6", "ISO-8859-6"},
    {"iso-8859-7", "ISO-8859-7"},
    {"iso-8859-8", "ISO-8859-8"},
    {"iso-8859-9", "WINDOWS-1254"},
    {"iso-8859-10", "ISO-8859-10"},
    {"iso-8859-13", "ISO-8859-13"},
    {"iso-8859-14", "ISO-8859-14"},
    {"iso-8859-15", "ISO-8859-15"},
    {"iso-8859-16", "ISO-8859-16"},
    {"windows-874", "WINDOWS-874"},
    {"tis-620", "WINDOWS-874"},
    {"windows-1250", "WINDOWS-1250"},
    {"windows-1251", "WINDOWS-1251"},
    {"windows-1253", "WINDOWS-1253"},
    {"windows-1254", "WINDOWS-1254"},
    {"windows-1255", "WINDOWS-1255"},
    {"windows-1256", "WINDOWS-1256"},
    {"windows-1257", "WINDOWS-1257"},
    {"windows-1258", "WINDOWS-1258"},
    {"koi8-r", "KOI8-R"},
    {"koi8-u", "KOI8-U"},
    {"ibm866", "IBM866"},
    {"macintosh", "MACINTOSH"},
    {"gb2312", "GB18030"},
    {"gbk", "GB18030"},
    {"gb18030", "GB18030"},
    {"big5", "BIG5-HKSCS"},
    {"euc-jp", "EUC-JP"},
    {"shift_jis", "CP932"},
    {"shift-jis", "CP932"},
    {"sjis", "CP932"},
    {"iso-2022-jp", "ISO-2022-JP"},
    {"euc-kr", "CP949"},
    {"ks_c_5601-1987", "CP949"},
    {"utf-16", "UTF-16LE"},
    {"utf-16le", "UTF-16LE"},
    {"utf-16be", "UTF-16BE"},
};

static const char *known(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof charsets / sizeof charsets[0]; i++) {
        if (strlen(charsets[i].name) == length && strncasecmp(charsets[i].name, name, length) == 0)
            return charsets[i].iconv;
    }
    return NULL;
}

/* The value behind "charset=", in quotes or not, between text and end. NULL: none that is known. */
static const char *named(const char *text, const char *end)
{
    static const char key[] = "charset";
    for (const char *at = text; end - at > (ptrdiff_t)sizeof key; at++) {
        if (strncasecmp(at, key, sizeof key - 1) != 0)
            continue;
        const char *value = at + sizeof key - 1;
        while (value < end && (*value == ' ' || *value == '\t'))
            value++;
        if (value == end || *value != '=')
            continue;
        value++;
        while (value < end && *value != '\0' && strchr(" \t\"'", *value) != NULL)
            value++;
        const char *stop = value;
        while (stop < end && *stop != '\0' && strchr(" \t\r\n\"';,/>", *stop) == NULL)
            stop++;
        return known(value, (size_t)(stop - value));
    }
    return NULL;
}

/* What a page says of itself in a <meta>. */
static const char *declared(const char *bytes, size_t length)
{
    const char *end = bytes + (length < PROBE ? length : PROBE);
    for (const char *at = bytes; end - at > 5; at++) {
        if (strncasecmp(at, "<meta", 5) != 0)
            continue;
        const char *close = memchr(at, '>', (size_t)(end - at));
        const char *charset = named(at, close != NULL ? close + 1 : end);
        /* A page whose letters we could read is in no encoding of two bytes. */
        if (charset != NULL)
            return strncmp(charset, "UTF-16", 6) == 0 ? "UTF-8" : charset;
    }
    return NULL;
}

const char *charset_find(const char *bytes, size_t length, const char *content_type, bool html)
{
    const char *charset = NULL;
    if (length >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
        return "UTF-8";
    if (length >= 2 && memcmp(bytes, "\xFF\xFE", 2) == 0)
        return "UTF-16LE";
    if (length >= 2 && memcmp(bytes, "\xFE\xFF", 2) == 0)
        return "UTF-16BE";
    if (content_type != NULL)
        charset = named(content_type, content_type + strlen(content_type));
    if (charset == NULL && html)
        charset = declared(bytes, length);
    if (charset == NULL) {
        /* The end may have been cut in the middle of a character. */
        bool whole = length - utf8_valid_prefix(bytes, length) < UTF8_MAXIMUM;
        charset = whole ? "UTF-8" : "WINDOWS-1252";
    }
    return charset;
}

/* Behind a byte order mark. */
static size_t mark_length(const char *bytes, size_t length, const char *charset)
{
    if (strcmp(charset, "UTF-8") == 0)
        return length >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    if (strncmp(charset, "UTF-16", 6) != 0 || length < 2)
        return 0;
    return memcmp(bytes, "\xFF\xFE", 2) == 0 || memcmp(bytes, "\xFE\xFF", 2) == 0 ? 2 : 0;
}

/* UTF-8 without its NULs and what is no UTF-8. */
static int append_clean(struct buffer *text, const char *bytes, size_t length)
{
    while (length > 0) {
        const char *zero = memchr(bytes, '\0', length);
        size_t run = zero != NULL ? (size_t)(zero - bytes) : length;
        if (utf8_append_repaired(text, bytes, run) < 0)
            return -1;
        if (zero != NULL && buffer_append_text(text, UTF8_REPLACEMENT) < 0)
            return -1;
        run += zero != NULL;
        bytes += run;
        length -= run;
    }
    return 0;
}

static int convert(struct buffer *text, iconv_t converter, char *bytes, size_t length)
{
    char piece[PIECE];
    while (length > 0) {
        char *out = piece;
        size_t room = sizeof piece;
        size_t result = iconv(converter, &bytes, &length, &out, &room);
        int problem = result == (size_t)-1 ? errno : 0;
        if (append_clean(text, piece, sizeof piece - room) < 0)
            return -1;
        if (problem == EILSEQ || problem == EINVAL) {
            if (buffer_append_text(text, UTF8_REPLACEMENT) < 0)
                return -1;
            bytes++;
            length--;
        } else if (problem != 0 && problem != E2BIG) {
            return -1;
        }
    }
    return 0;
}

int charset_convert(
    struct buffer *text, const char *bytes, size_t length, const char *charset, struct error *error)
{
    size_t mark = mark_length(bytes, length, charset);
    bytes += mark;
    length -= mark;
    if (strcmp(charset, "UTF-8") == 0)
        return append_clean(text, bytes, length) < 0 ? error_system(error, "keep the text") : 0;
    iconv_t converter = iconv_open("UTF-8", charset);
    if (converter == (iconv_t)-1)
        return error_system(error, "convert from the charset %s", charset);
    struct buffer copy; /* iconv wants to write to what it reads, as its type has it */
    buffer_init(&copy, length + 1);
    int result = buffer_append(&copy, bytes, length);
    if (result == 0)
        result = convert(text, converter, copy.data, copy.length);
    if (result < 0)
        error_system(error, "convert from the charset %s", charset);
    buffer_release(&copy);
    iconv_close(converter);
    return result;
}
