"""The command line: arguments in, tables or one JSON object out; no work of its own."""
