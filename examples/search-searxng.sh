#!/bin/sh
# A search engine of one's own for web_search: SearxNG, through its JSON interface
# (search.formats in its settings.yml must list json). In config.toml:
#   [search]
#   command = "SEARXNG_URL=http://localhost:8888 /path/to/search-searxng.sh"
# Called with the query; the same and more is on stdin as JSON.
set -eu

request=$(cat)
category=$(printf '%s' "$request" | jq -r 'if .topic == "news" then "news" else "general" end')
curl --fail --silent --show-error --max-time 20 --get "${SEARXNG_URL:-http://localhost:8888}/search" \
	--data-urlencode "q=$1" --data-urlencode format=json --data-urlencode "categories=$category" |
	jq '{results: [.results[] | {title, url, content}], answer: ((.answers[0]? | strings) // "")}'
