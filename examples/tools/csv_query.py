#!/usr/bin/python3 -I
"""SQL on a CSV file: a tool with a preview, progress, and something else to show to a person.

Exit code 0 and stdout are the result; 1 and one sentence on stderr are the error.
"""

import csv
import json
import os
import sqlite3
import sys

ROWS_SHOWN = 1000
ROWS_PER_MESSAGE = 100_000


def tell(**line):
    """A line to whoever runs us, if anybody does."""
    if "TS_EVENT_FD" in os.environ:
        os.write(int(os.environ["TS_EVENT_FD"]), json.dumps(line).encode() + b"\n")


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def value(text):
    """A number where the text is one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def rows(reader, width):
    for number, row in enumerate(reader, 1):
        if number % ROWS_PER_MESSAGE == 0:
            tell(type="progress", message=f"{number} rows read")
        yield [value(text) for text in (row + [""] * width)[:width]]


def load(path):
    """The file as the table `data` of a database in memory."""
    database = sqlite3.connect(":memory:")
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.reader(file)
        columns = next(reader, [])
        if not columns:
            raise ValueError(f"'{path}' has no first line with the names of columns")
        database.execute(f"CREATE TABLE data ({', '.join(map(quoted, columns))})")
        places = ", ".join("?" * len(columns))
        database.executemany(f"INSERT INTO data VALUES ({places})", rows(reader, len(columns)))
    return database


def prepare(path, sql):
    """What a person sees before deciding; a query that cannot work is refused already here."""
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        columns = next(csv.reader(file), [])
    return {"preview": f"{sql}\n\ncolumns: {', '.join(columns)}"}


def run(path, sql):
    cursor = load(path).execute(sql)
    if cursor.description is None:
        raise ValueError("the query returns no rows: use SELECT")
    print("\t".join(column[0] for column in cursor.description))
    count = 0
    for row in cursor:
        count += 1
        if count <= ROWS_SHOWN:
            print("\t".join("" if cell is None else str(cell) for cell in row))
    if count > ROWS_SHOWN:
        print(f"[{count - ROWS_SHOWN} more rows]")
    tell(type="display", text=f"{count} row{'' if count == 1 else 's'}")


def main():
    arguments = json.load(sys.stdin)
    path, sql = arguments["path"], arguments["sql"]
    try:
        if sys.argv[1] == "prepare":
            print(json.dumps(prepare(path, sql)))
        else:
            run(path, sql)
    except (OSError, ValueError, csv.Error, sqlite3.Error) as error:
        if sys.argv[1] == "prepare":
            print(json.dumps({"error": f"csv_query: {error}"}))
            return
        sys.exit(f"csv_query: {error}")


main()
