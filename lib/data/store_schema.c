/*
 * The tables. A version that was released is never changed: what changes is a
 * further migration behind the last.
 *
 * conversations_text says what of a message is searched: what was said, and
 * of each call its name and the values of its arguments, without the JSON
 * around them. Both indexes hold no text of their own ("external content"):
 * triggers keep them in step with the messages, also when another program
 * writes. conversations_unspaced holds the messages in scripts that put no
 * blanks between words; they are indexed by three characters at a time.
 */
#include "data/store_internal.h"

#define NOW "TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))"

/* Thai to Khmer, kana and ideographs, Hangul, compatibility forms, the planes of ideographs. */
#define UNSPACED                                                                                   \
    "'*[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u9fff\uac00-\ud7af"                         \
    "\uf900-\ufaff\U00020000-\U0003ffff]*'"

static const char sessions[] =
    "CREATE TABLE sessions("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  session_id TEXT NOT NULL UNIQUE,"
    "  alias TEXT UNIQUE,"
    "  title TEXT,"
    "  parent_session TEXT,"
    "  kind TEXT NOT NULL CHECK (kind IN ('chat', 'task', 'plan')),"
    "  directory TEXT NOT NULL,"
    "  model TEXT,"
    "  model_alias TEXT,"
    "  pid INTEGER NOT NULL DEFAULT 0,"
    "  created " NOW ","
    "  updated " NOW ") STRICT;"
    "CREATE INDEX sessions_updated ON sessions(updated, id);"
    "CREATE INDEX sessions_directory ON sessions(directory, updated, id);"
    "CREATE TABLE session_config("
    "  session_id TEXT NOT NULL REFERENCES sessions(session_id) ON DELETE CASCADE,"
    "  key TEXT NOT NULL,"
    "  value TEXT NOT NULL CHECK (json_valid(value)),"
    "  PRIMARY KEY (session_id, key)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE conversations("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  session_id TEXT NOT NULL REFERENCES sessions(session_id) ON DELETE CASCADE,"
    "  turn INTEGER NOT NULL,"
    "  timestamp " NOW ","
    "  tool_name TEXT,"
    "  message TEXT NOT NULL CHECK (json_valid(message)),"
    "  role TEXT NOT NULL AS (json_extract(message, '$.role')) VIRTUAL,"
    "  content TEXT AS (json_extract(message, '$.content')) VIRTUAL,"
    "  tool_calls TEXT AS (json_extract(message, '$.tool_calls')) VIRTUAL,"
    "  tool_call_id TEXT AS (json_extract(message, '$.tool_call_id')) VIRTUAL"
    ") STRICT;"
    "CREATE INDEX conversations_session ON conversations(session_id, id);"
    "CREATE TABLE usage("
    "  id INTEGER PRIMARY KEY,"
    "  session_id TEXT NOT NULL,"
    "  parent_session TEXT,"
    "  model TEXT,"
    "  model_alias TEXT,"
    "  purpose TEXT NOT NULL,"
    "  prompt_tokens INTEGER NOT NULL,"
    "  completion_tokens INTEGER NOT NULL,"
    "  total_tokens INTEGER NOT NULL,"
    "  timestamp " NOW ") STRICT;"
    "CREATE INDEX usage_session ON usage(session_id);"
    "CREATE INDEX usage_parent ON usage(parent_session);";

static const char texts[] =
    "CREATE VIEW conversations_text(id, content, calls) AS SELECT id,"
    "  CASE json_type(message, '$.content') WHEN 'array' THEN"
    "    (SELECT group_concat(json_extract(part.value, '$.text'), char(10))"
    "     FROM json_each(message, '$.content') AS part WHERE part.type = 'object')"
    "  ELSE content END,"
    "  (SELECT group_concat(name || ' ' || CASE WHEN json_valid(arguments)"
    "       THEN coalesce((SELECT group_concat(atom, ' ') FROM json_tree(arguments)), '')"
    "       ELSE arguments END, char(10))"
    "   FROM (SELECT coalesce(json_extract(call.value, '$.function.name'), '') AS name,"
    "           coalesce(json_extract(call.value, '$.function.arguments'), '') AS arguments"
    "         FROM json_each(message, '$.tool_calls') AS call WHERE call.type = 'object'))"
    " FROM conversations WHERE role <> 'system';"
    "CREATE VIEW conversations_unspaced(id, text) AS"
    "  SELECT id, coalesce(content, '') || char(10) || coalesce(calls, '')"
    "  FROM conversations_text WHERE content GLOB " UNSPACED " OR calls GLOB " UNSPACED ";";

const char store_index_schema[] =
    "CREATE VIRTUAL TABLE conversations_fts USING fts5(content, calls,"
    "  content = 'conversations_text', content_rowid = 'id',"
    "  tokenize = 'unicode61 remove_diacritics 2');"
    "CREATE VIRTUAL TABLE conversations_trigram USING fts5(text,"
    "  content = 'conversations_unspaced', content_rowid = 'id', tokenize = 'trigram');";

static const char triggers[] =
    "CREATE TRIGGER conversations_insert AFTER INSERT ON conversations BEGIN"
    "  INSERT INTO conversations_fts(rowid, content, calls)"
    "    SELECT id, content, calls FROM conversations_text WHERE id = new.id;"
    "  INSERT INTO conversations_trigram(rowid, text)"
    "    SELECT id, text FROM conversations_unspaced WHERE id = new.id;"
    "END;"
    "CREATE TRIGGER conversations_delete BEFORE DELETE ON conversations BEGIN"
    "  INSERT INTO conversations_fts(conversations_fts, rowid, content, calls)"
    "    SELECT 'delete', id, content, calls FROM conversations_text WHERE id = old.id;"
    "  INSERT INTO conversations_trigram(conversations_trigram, rowid, text)"
    "    SELECT 'delete', id, text FROM conversations_unspaced WHERE id = old.id;"
    "END;"
    "CREATE TRIGGER conversations_update_old BEFORE UPDATE ON conversations BEGIN"
    "  INSERT INTO conversations_fts(conversations_fts, rowid, content, calls)"
    "    SELECT 'delete', id, content, calls FROM conversations_text WHERE id = old.id;"
    "  INSERT INTO conversations_trigram(conversations_trigram, rowid, text)"
    "    SELECT 'delete', id, text FROM conversations_unspaced WHERE id = old.id;"
    "END;"
    "CREATE TRIGGER conversations_update_new AFTER UPDATE ON conversations BEGIN"
    "  INSERT INTO conversations_fts(rowid, content, calls)"
    "    SELECT id, content, calls FROM conversations_text WHERE id = new.id;"
    "  INSERT INTO conversations_trigram(rowid, text)"
    "    SELECT id, text FROM conversations_unspaced WHERE id = new.id;"
    "END;";

static const char others[] =
    "CREATE TABLE memories("
    "  scope TEXT NOT NULL,"
    "  key TEXT NOT NULL,"
    "  value TEXT NOT NULL,"
    "  created " NOW ","
    "  updated " NOW ","
    "  PRIMARY KEY (scope, key)"
    ") STRICT;"
    "CREATE TABLE approvals("
    "  id INTEGER PRIMARY KEY,"
    "  request_id TEXT NOT NULL UNIQUE,"
    "  session_id TEXT NOT NULL,"
    "  batch_id TEXT,"
    "  parent_call_id TEXT,"
    "  correlation_id TEXT,"
    "  deferred INTEGER NOT NULL CHECK (deferred IN (0, 1)),"
    "  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'denied',"
    "    'mixed', 'timeout', 'cancelled', 'nobody')),"
    "  decided_by TEXT,"
    "  created " NOW ","
    "  decided TEXT,"
    "  doorbell TEXT"
    ") STRICT;"
    "CREATE INDEX approvals_session ON approvals(session_id);"
    "CREATE INDEX approvals_pending ON approvals(id) WHERE status = 'pending';"
    "CREATE TABLE approval_calls("
    "  request_id TEXT NOT NULL REFERENCES approvals(request_id) ON DELETE CASCADE,"
    "  position INTEGER NOT NULL,"
    "  call_id TEXT NOT NULL,"
    "  tool TEXT NOT NULL,"
    "  item TEXT NOT NULL CHECK (json_valid(item)),"
    "  decision TEXT CHECK (decision IN ('allow', 'deny')),"
    "  decided_by TEXT,"
    "  reason TEXT,"
    "  feedback TEXT,"
    "  seen INTEGER NOT NULL DEFAULT 0 CHECK (seen IN (0, 1)),"
    "  claimed TEXT,"
    "  PRIMARY KEY (request_id, position),"
    "  UNIQUE (request_id, call_id)"
    ") STRICT;"
    "CREATE INDEX approval_calls_call ON approval_calls(call_id);"
    "CREATE TABLE rules("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  session_id TEXT NOT NULL,"
    "  tool TEXT NOT NULL,"
    "  pattern TEXT,"
    "  is_path INTEGER NOT NULL CHECK (is_path IN (0, 1)),"
    "  created " NOW ") STRICT;"
    "CREATE INDEX rules_session ON rules(session_id);"
    "CREATE TABLE mcp_tools("
    "  server TEXT NOT NULL PRIMARY KEY,"
    "  config_hash TEXT NOT NULL,"
    "  tools TEXT NOT NULL CHECK (json_valid(tools)),"
    "  hash TEXT NOT NULL,"
    "  fetched " NOW ") STRICT;"
    "CREATE TRIGGER sessions_delete AFTER DELETE ON sessions BEGIN"
    "  DELETE FROM approvals WHERE session_id = old.session_id;"
    "  DELETE FROM rules WHERE session_id = old.session_id;"
    "END;";

const struct store_migration store_schema[] = {
    {.scripts = {sessions, texts, store_index_schema, triggers, others}},
};

const size_t store_schema_version = sizeof store_schema / sizeof store_schema[0];
