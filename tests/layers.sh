#!/bin/sh
# Reads every #include of src/ against src/LAYERS.  Prints each breach; exit 1 when there is one.
# Usage: tests/layers.sh [SOURCE-ROOT]
set -u
root=${1:-${srcdir:-.}/..}
[ -f "$root/src/LAYERS" ] || root=${srcdir:-.}
exec awk -v root="$root" '
function basename_of(path) { sub(".*/", "", path); return path }
function matches(name, pattern) {
	if (pattern ~ /\*$/) return index(name, substr(pattern, 1, length(pattern) - 1)) == 1
	return name == pattern
}
function breach(text) { printf "%s:%d: %s\n", file, line_no, text; breaches++ }
function check(room, inc,    other, i) {
	for (i = 1; i <= n_foreign; i++)
		if (matches(inc, pattern[i]) && owner[i] != room) {
			breach("<" inc "> belongs to " owner[i] "/ alone")
			return
		}
	if (inc !~ /\//) return
	other = inc; sub("/.*", "", other)
	if (!(other in level) || other == room) return
	if (level[other] >= level[room])
		breach(room "/ (line " level[room] ") must not include " inc " (line " level[other] ")")
}
BEGIN {
	layers = root "/src/LAYERS"
	while ((getline row < layers) > 0) {
		if (row ~ /^#/ || row ~ /^[ \t]*$/) continue
		n = split(row, col, /[ \t]+/)
		level[col[2]] = col[1]
		for (i = 3; i <= n; i++) { n_foreign++; pattern[n_foreign] = col[i]; owner[n_foreign] = col[2] }
	}
	cmd = "find " root "/src -name \"*.[ch]\" | sort"
	while ((cmd | getline file) > 0) {
		room = file; sub(".*/src/", "", room)
		if (room !~ /\//) continue
		sub("/.*", "", room)
		files++
		line_no = 0
		if (!(room in level)) { breach("room " room "/ is not in src/LAYERS"); continue }
		while ((getline text < file) > 0) {
			line_no++
			if (text !~ /^[ \t]*#[ \t]*include/) continue
			inc = text; gsub(/^[^<"]*[<"]|[>"].*$/, "", inc)
			if (text ~ /"/ && inc !~ /\//) breach("include \"room/file.h\", not \"" inc "\"")
			check(room, inc)
		}
		close(file)
	}
	if (files == 0) { print "no sources found under " root "/src"; exit 1 }
	printf "layers: %d files, %d breaches\n", files, breaches
	exit breaches > 0
}'
